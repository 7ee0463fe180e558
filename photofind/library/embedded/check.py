"""Checking the files of a library, and repairing what can be repaired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np

from photofind.errors import DamagedError, PhotofindError
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.index import Index, remove_index
from photofind.library.embedded.records import StoredSpace
from photofind.library.embedded.spaces import Spaces
from photofind.library.embedded.upkeep import verify
from photofind.model import Check

__all__ = ["check"]


def check(
    catalog: Catalog,
    spaces: Spaces,
    warnings: list[str],
    writing: AbstractContextManager[object],
    *,
    repair: bool,
) -> Iterator[Check]:
    """Yield what was checked and how it was found.

    Parameters
    ----------
    warnings
        What was found damaged so far; emptied where it is repaired.
    writing
        Keeps others of this process from writing.
    repair
        Whether to repair what can be repaired; the catalog is open for writing then.
    """
    yield _check_catalog(catalog, warnings, repair=repair)
    for space in catalog.spaces():
        name = f"vectors of {space.id}"
        try:
            rows, damaged = _damaged(spaces, space.id)
        except PhotofindError as error:
            yield Check(name, "broken", error.message, error.hint)
        else:
            if damaged and repair:
                with writing:
                    photos = verify(catalog, spaces, warnings)
                warnings.clear()
                yield Check(
                    name,
                    "repaired",
                    f"{damaged:,} of {space.rows:,} are damaged; {photos:,} photos are read again",
                    "`photofind index` makes them again; a running daemon does by itself",
                )
            elif damaged:
                advice = "`photofind doctor --repair` has them made again"
                yield Check(name, "broken", f"{damaged:,} of {space.rows:,} are damaged", advice)
            else:
                yield Check(name, "ok", f"{rows:,} rows, all as they were written")
        yield _check_index(spaces, space, repair=repair)


def _check_catalog(catalog: Catalog, warnings: list[str], *, repair: bool) -> Check:
    if warnings:
        found = "; ".join(dict.fromkeys(warnings))
        if repair:
            warnings.clear()
            return Check("catalog", "repaired", found)
        return Check("catalog", "broken", found, "`photofind doctor --repair` repairs it")
    photos = f"{catalog.counts().photos:,} photos in {len(catalog.folders())} folders"
    return Check("catalog", "ok", photos)


def _damaged(spaces: Spaces, space: str) -> tuple[int, int]:
    """Return how many rows of a space can be read, and how many that are used are damaged."""
    snapshot = spaces.snapshot(space)
    live, vectors = snapshot.live_rows, snapshot.vectors
    # Damage in other rows does not matter: they are given back to the disk sooner or later.
    damaged = np.isin(vectors.damaged(), live).sum() + (live >= len(vectors)).sum()
    return len(vectors), int(damaged)


def _check_index(spaces: Spaces, space: StoredSpace, *, repair: bool) -> Check:
    name, folder = f"index of {space.id}", spaces.folder(space.id)
    if not Index.exists(folder):
        return Check(name, "ok", "there is none yet; searches compare everything")
    try:
        index = Index(folder, check_graph=True)
    except DamagedError as error:
        if not repair:
            advice = "`photofind doctor --repair` has it built again"
            return Check(name, "broken", error.message, advice)
        remove_index(folder)
        return Check(name, "repaired", f"{error.message}; it is removed and built again")
    except PhotofindError as error:
        return Check(name, "broken", error.message, error.hint)
    if index.facts.generation != space.generation:
        return Check(name, "ok", "it is outdated and is built again at the next quiet moment")
    recall = index.facts.recall
    graph = "no graph" if recall is None else f"a graph with recall {recall:.3f}"
    return Check(name, "ok", f"{len(index):,} photos, {graph}")
