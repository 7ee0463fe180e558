"""Checking the files of a library, and repairing what can be repaired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, PhotofindError
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.index import Index
from photofind.library.embedded.index_files import remove_index
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.records import StoredSpace
from photofind.library.embedded.spaces import Spaces
from photofind.library.embedded.upkeep import damaged_rows, forget, odd_documents
from photofind.model import Check
from photofind.model.counted import counted

__all__ = ["check"]


def check(
    catalog: Catalog,
    spaces: Spaces,
    problems: Problems,
    writing: AbstractContextManager[object],
    *,
    repair: bool,
) -> Iterator[Check]:
    """Yield what was checked and how it was found.

    Parameters
    ----------
    problems
        What was found damaged so far; emptied where it is repaired.
    writing
        Keeps others of this process from writing.
    repair
        Whether to repair what can be repaired; the catalog is open for writing then.
    """
    with writing:
        found = _check_catalog(catalog, problems, repair=repair)
    yield found
    for space in catalog.spaces():
        name = f"vectors of {space.id}"
        try:
            rows, damaged = _damaged(catalog, spaces, space)
        except PhotofindError as error:
            yield Check(name, "broken", error.message, error.hint)
        else:
            count = len(damaged)
            if count and repair:
                with writing:
                    photos = len(forget(catalog, space, damaged, problems))
                problems.clear()
                yield Check(
                    name,
                    "repaired",
                    f"{count:,} of {space.rows:,} are damaged; "
                    f"{counted(photos, 'photo is', 'photos are')} read again",
                    "`photofind index` makes them again; a running daemon does by itself",
                )
            elif count:
                advice = "`photofind doctor --repair` has them made again"
                yield Check(name, "broken", f"{count:,} of {space.rows:,} are damaged", advice)
            else:
                yield Check(name, "ok", f"{rows:,} rows, all as they were written")
        yield _check_index(spaces, space, repair=repair)


def _check_catalog(catalog: Catalog, problems: Problems, *, repair: bool) -> Check:
    if found := "; ".join([*problems.lines, *odd_documents(catalog)]):
        if repair:
            problems.clear()
            catalog.remove_odd()
            if left := "; ".join(problems.lines):
                advice = "no repair can know which folders there were"
                return Check("catalog", "broken", left, advice)
            return Check("catalog", "repaired", found)
        return Check("catalog", "broken", found, "`photofind doctor --repair` repairs it")
    photos = counted(catalog.counts().photos, "photo")
    return Check("catalog", "ok", f"{photos} in {counted(len(catalog.folders()), 'folder')}")


def _damaged(
    catalog: Catalog, spaces: Spaces, space: StoredSpace
) -> tuple[int, npt.NDArray[np.int64]]:
    """Return how many rows of a space can be read, and those that are used and damaged."""
    damaged = damaged_rows(catalog, spaces, space)
    # Damage in other rows does not matter: they are given back to the disk sooner or later.
    used = np.intersect1d(damaged, spaces.snapshot(space.id).live_rows)
    return len(spaces.vectors(space.id)), used


def _check_index(spaces: Spaces, space: StoredSpace, *, repair: bool) -> Check:
    name, folder = f"index of {space.id}", spaces.folder(space.id)
    if not Index.exists(folder):
        return Check(name, "ok", "there is none yet; searches compare everything")
    try:
        index = Index(folder, check=True)
    except DamagedError as error:
        if not repair:
            advice = "`photofind doctor --repair` has it built again"
            return Check(name, "broken", error.message, advice)
        remove_index(folder)
        return Check(name, "repaired", f"{error.message}; it is removed and built again")
    except PhotofindError as error:
        return Check(name, "broken", error.message, error.hint)
    digests = spaces.snapshot(space.id).digests(index.rows)
    if index.facts.generation == space.generation and not index.is_of(digests):
        message = f"it is of other photos than the {len(index):,} that it holds"
        if not repair:
            advice = "`photofind doctor --repair` has it built again"
            return Check(name, "broken", message, advice)
        remove_index(folder)
        return Check(name, "repaired", f"{message}; it is removed and built again")
    if index.facts.generation != space.generation:
        return Check(name, "ok", "it is outdated and is built again at the next quiet moment")
    recall = index.facts.recall
    graph = "no graph" if recall is None else f"a graph with recall {recall:.3f}"
    return Check(name, "ok", f"{counted(len(index), 'photo')}, {graph}")
