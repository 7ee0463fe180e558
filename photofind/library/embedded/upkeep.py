"""Keeping a library whole and small: repair after a crash or damage, and reclaiming."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.records import Record, StoredSpace
from photofind.library.embedded.spaces import Spaces
from photofind.model.counted import counted
from photofind.model.judgements import Judgement, TagJudgement
from photofind.model.records import Folder, Pair
from photofind.paths import Home, remove_file

__all__ = [
    "damaged_rows",
    "forget",
    "indexed_since",
    "note_losses",
    "odd_documents",
    "reclaim",
    "recover",
    "repair",
    "restore",
]

# From here on, what is outdated is worth rewriting the rest for.
DEAD_SHARE = 0.2
OUTDATED_SHARE = 0.5
SMALL = 1_000_000


def note_losses(home: Home, catalog: Catalog, spaces: Spaces, problems: Problems) -> None:
    """Take note of what is missing from a catalog that was just opened."""
    if catalog.storage.damage:
        problems.add(catalog.storage.damage, indexed_since(catalog))
    known = {spaces.file(space) for space in catalog.spaces()}
    files = {*home.spaces.glob("*/vectors-*")}
    if (not known or _is_empty(catalog)) and not files <= known:
        problems.add(
            f"{home.catalog} was lost or emptied; add your folders again and run `photofind index`",
            indexed_since(catalog),
            lasting=True,
        )


def odd_documents(catalog: Catalog) -> list[str]:
    """Return the problem that documents are set aside, if there are such."""
    line = (
        f"{catalog.odd} records of the catalog make no sense and are left out; "
        "`photofind doctor --repair` removes them"
    )
    return [line] if catalog.odd else []


def recover(home: Home, catalog: Catalog, spaces: Spaces, problems: Problems) -> None:
    """Repair what a crash or damage left; what is lost is added to ``problems``."""
    for leftover in home.root.glob(f".{home.catalog.name}.*.new"):
        remove_file(leftover)
    for space in catalog.spaces():
        if not _is_empty(catalog):  # They are all that tells that it was lost.
            spaces.remove_outdated(space)
        vectors = spaces.open(space)
        if vectors.on_disk > space.rows:
            # A transaction that is lost, or newer than this catalog if that is an older copy, may
            # have told others of these rows: none is given twice.
            space = replace(space, rows=vectors.on_disk)
            with catalog.storage.transaction():
                catalog.put_space(space)
            vectors = spaces.open(space)
        if not vectors.is_whole:
            problems.add(f"{vectors.path} is damaged", indexed_since(catalog))
            forget(catalog, space, vectors.repair().damaged(_digests(catalog, space)), problems)


def restore(
    catalog: Catalog,
    spaces: Spaces,
    folders: Mapping[int, Folder],
    known: Sequence[StoredSpace],
    apart: Collection[Pair],
    judged: Collection[Judgement],
    said: Collection[TagJudgement],
) -> None:
    """Put the folders back if everything is lost, and the spaces that are lost, without vectors.

    Parameters
    ----------
    folders, known, apart, judged, said
        The folders, the spaces, the pairs told apart, and the judgements of hits and of tags that
        there were.
    """
    with catalog.storage.transaction():
        if _is_empty(catalog):
            for folder in folders.values():
                catalog.put_folder(replace(folder, id=0, scanned=None))
            catalog.tell_apart(apart)
            catalog.judgements.put(judged)
            catalog.tag_judgements.put(said)
        there = {space.id for space in catalog.spaces()}
        for space in known:
            if space.id not in there:
                # Never a file that is there: what it holds is not known any more.
                generation = 1 + max(spaces.generations(space), default=0)
                catalog.put_space(replace(space, generation=generation, rows=0))


def repair(catalog: Catalog, spaces: Spaces, space: StoredSpace, problems: Problems) -> int:
    """Write vectors anew that others removed, cut or replaced; return how many photos lost one."""
    vectors = spaces.vectors(space.id)
    problems.add(
        f"{vectors.path} was removed, cut or replaced while it was in use",
        indexed_since(catalog),
    )
    if vectors.still_holds_all():
        vectors.copy(np.arange(space.rows), vectors.path)
    spaces.forget(space.id)
    damaged = spaces.open(space).repair().damaged(_digests(catalog, space))
    return len(forget(catalog, space, damaged, problems))


def damaged_rows(catalog: Catalog, spaces: Spaces, space: StoredSpace) -> npt.NDArray[np.int64]:
    """Read all vectors of a space; return the rows that do not hold those of their contents."""
    return spaces.vectors(space.id).damaged(_digests(catalog, space))


def reclaim(catalog: Catalog, spaces: Spaces, problems: Problems) -> list[str] | None:
    """Give dead rows and outdated documents back to the disk, where they are many.

    Returns
    -------
    list of str, or None
        The ids of the spaces whose rows are numbered anew; None where nothing was rewritten.
    """
    storage = catalog.storage
    revision, size = storage.revision, storage.size
    renumbered = []
    for space in catalog.spaces():
        if np.count_nonzero(catalog.references(space) == 0) > DEAD_SHARE * space.rows:
            _rewrite_vectors(catalog, spaces, space, problems)
            renumbered.append(space.id)
    if storage.size > max(SMALL, storage.live_size / OUTDATED_SHARE):
        storage.compact()
    return renumbered if (revision, size) != (storage.revision, storage.size) else None


def forget(
    catalog: Catalog, space: StoredSpace, rows: npt.NDArray[np.int64], problems: Problems
) -> list[Record]:
    """Take rows from the photos that refer to them; return these photos as they were."""
    live = np.intersect1d(rows, np.flatnonzero(catalog.references(space)))
    contents = catalog.contents(space.id).contents(live)
    found = [record for some in catalog.by_content(contents).values() for record in some]
    losing = [record for record in found if record.rows.get(space.id, -1) in live]
    if losing:
        with catalog.storage.transaction():
            for photo, known in losing:
                left = {one: row for one, row in known.items() if one != space.id}
                catalog.put_photo(photo.without_space(space.id), left)
        problems.add(
            f"the vectors of {counted(len(losing), 'photo')} in {space.id} were damaged; "
            "indexing makes them again",
            indexed_since(catalog),
        )
    return losing


def indexed_since(catalog: Catalog) -> Callable[[], bool]:
    """Return what tells whether indexing has made again what is lost now.

    By then all folders were looked through, and all photos in them are embedded.
    """
    now = time.time()

    def is_indexed() -> bool:
        folders = catalog.folders()
        return (
            bool(folders)
            and all((folder.scanned or 0) > now for folder in folders)
            and not any(catalog.space_counts(space.id).lacking for space in catalog.spaces())
        )

    return is_indexed


def _is_empty(catalog: Catalog) -> bool:
    return not catalog.known_folders and not catalog.counts().photos


def _digests(catalog: Catalog, space: StoredSpace) -> npt.NDArray[np.uint32]:
    """Return the digest of the content that each row of a space is of, (rows,)."""
    return catalog.contents(space.id).digests(np.arange(space.rows))


def _rewrite_vectors(
    catalog: Catalog, spaces: Spaces, space: StoredSpace, problems: Problems
) -> None:
    """Copy the vectors that photos refer to into a file of the next generation."""
    vectors = spaces.vectors(space.id)
    forget(catalog, space, damaged_rows(catalog, spaces, space), problems)
    live = np.flatnonzero(catalog.references(space))
    new = replace(space, generation=space.generation + 1, rows=len(live))
    path = spaces.file(new)
    vectors.copy(live, path)
    renumbered = dict(zip(live.tolist(), range(len(live)), strict=True))
    try:
        with catalog.storage.transaction(rewrite=True):
            for photo, rows in catalog.select():
                if space.id in rows:
                    catalog.put_photo(photo, {**rows, space.id: renumbered[rows[space.id]]})
            catalog.put_space(new)
    except BaseException:
        remove_file(path)
        raise
    spaces.forget(space.id)
    spaces.note_verified(new)
    spaces.remove_outdated(new)
