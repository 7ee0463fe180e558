"""The default engine: a library in files of one home (docs/develop/storage.md)."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from threading import RLock
from typing import Self

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError
from photofind.library.embedded import indexes, upkeep
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.check import check
from photofind.library.embedded.commit import commit
from photofind.library.embedded.files_in_use import FilesInUse
from photofind.library.embedded.index_files import remove_index
from photofind.library.embedded.index_writer import EmbeddedIndexWriter
from photofind.library.embedded.overview import Overview
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.records import Record, StoredSpace
from photofind.library.embedded.removed import RemovedContents
from photofind.library.embedded.spaces import Spaces
from photofind.library.embedded.views import Views
from photofind.library.lock import (
    building_graph,
    is_building_graph,
    writing_to,
)
from photofind.library.store import (
    Array32,
    Changes,
    Counts,
    IndexInfo,
    Nearest,
    Over,
    Place,
    SpaceCounts,
)
from photofind.library.stores import EMBEDDED
from photofind.model import Check, TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Judgement, TagJudgement
from photofind.model.records import Folder, Pair, Photo, Space
from photofind.paths import Home

__all__ = ["EmbeddedStore", "open_embedded"]

BLOCK = 8192

_NO_EMBEDDINGS: Mapping[str, Array32] = {}


class EmbeddedStore:
    """The photos, folders, spaces, embeddings and indexes of one home.

    Readers take no lock. Within a process, threads may share a store: writers wait for each other,
    readers wait for no commit.

    Parameters
    ----------
    home
        Where the files are. Opened for reading, a home that does not exist is an empty library.
    writable
        Whether to open it for writing: it is locked, and what a crash or damage left is repaired.
    resident
        Whether to load graphs, in the background: worth it for a process that answers many queries.
    idle_seconds
        Child processes that hold graphs end after so long without a query; None is never.

    Raises
    ------
    LockedError
        Another process has it open for writing.
    NewerFormatError
        It was written by a later version of photofind.
    LibraryError
        It cannot be read, or not written.
    """

    def __init__(
        self,
        home: Home,
        *,
        writable: bool = False,
        resident: bool = False,
        idle_seconds: float | None = None,
    ) -> None:
        self._home = home
        self._problems = Problems()
        self._writing = RLock()
        self._lock = writing_to(home) if writable else None
        try:
            self._catalog = Catalog(
                home.catalog, writable=writable, checkpoint=home.cache / "catalog.npz"
            )
            self._storage = self._catalog.storage
            self._spaces = Spaces(home, self._catalog, self._writing, self._problems)
            self._views = Views(
                home,
                self._catalog,
                self._spaces,
                self._problems,
                resident=resident,
                idle_seconds=idle_seconds,
            )
            self._overview = Overview(self._catalog)
            self._removed = RemovedContents()
            upkeep.note_losses(home, self._catalog, self._spaces, self._problems)
            self._files = None
            if self._lock is not None:
                self._files = FilesInUse(
                    home,
                    self._lock,
                    self._catalog,
                    self._spaces,
                    self._problems,
                    self._forget_what_is_open,
                )
                upkeep.recover(home, self._catalog, self._spaces, self._problems)
                self._catalog.keep_checkpoint()
        except BaseException:
            self._unlock()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the library, end its child processes, and let others write to it."""
        self._views.close()
        with self._writing:
            self._catalog.keep_checkpoint(now=True)
            self._spaces.release()
            self._storage.close()
            self._unlock()

    @property
    def version(self) -> Hashable:
        """The catalog's revision, which grows with every commit and is never given twice."""
        return self._storage.revision

    def changes(self, since: Hashable = None) -> Changes:
        """Return which photos changed after a version; see `TellsChanges`."""
        version, photos, contents = self._catalog.recent_changes.since(since)
        if photos is not None and contents:
            told = self._catalog.by_content(contents).values()
            photos |= {record.photo.id for records in told for record in records}
        return Changes(version, photos)

    @property
    def problems(self) -> list[str]:
        """What was found damaged and is not repaired yet, one line each."""
        return [*self._problems.lines, *upkeep.odd_documents(self._catalog)]

    @property
    def bytes(self) -> int:
        """How large the catalog, the embeddings and the indexes are."""
        files = [
            *self._home.root.glob(f"{self._home.catalog.name}*"),
            *self._home.spaces.rglob("*"),
        ]
        return sum(file.stat().st_size for file in files if file.is_file())

    @property
    def processes(self) -> Mapping[str, int]:
        """The process ids of the processes that hold graphs."""
        graphs = self._views.processes
        names = ["graph"] if len(graphs) == 1 else [f"graph of {space}" for space in graphs]
        return dict(zip(names, graphs.values(), strict=True))

    def refresh(self) -> bool:
        """Take in what another process has committed since; return whether there was anything."""
        with self._writing:
            return self._files.look() if self._files else self._storage.refresh()

    def warm_up(self, space: str) -> None:
        """Open the index of a space, and load its graph in the background if it is resident."""
        self._views.warm_up(space)

    def release_memory(self) -> None:
        """Close vectors and indexes; the next query opens them again."""
        self._views.release()
        with self._writing:
            self._spaces.release()
        self._catalog.release()

    # Photos.

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        embeddings: Mapping[str, Array32] = _NO_EMBEDDINGS,
    ) -> list[Photo]:
        """Put photos into the library, with embeddings by content; see the protocol."""
        with self._changing():
            photos = list(photos)
            try:
                stored, replaced = commit(self._catalog, self._spaces, photos, space, embeddings)
            except DamagedError:
                self._repair_vectors()
                stored, replaced = commit(self._catalog, self._spaces, photos, space, embeddings)
            there = {photo.content for photo in stored}
            self._note_removed(one for one in replaced if one.photo.content not in there)
            return stored

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos; the rows that none refers to any more are dead."""
        with self._changing():
            records = self._catalog.by_id([photo.id for photo in photos])
            with self._storage.transaction():
                self._catalog.remove_photos(records)
            self._note_removed(records.values())

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        """Return the photos with these ids; those that do not exist are left out."""
        return {one: record.photo for one, record in self._catalog.by_id(ids).items()}

    def by_path(self, paths: Iterable[str]) -> dict[str, Photo]:
        """Return the photos at these paths; those that do not exist are left out."""
        return {path: record.photo for path, record in self._catalog.by_path(paths).items()}

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Photo]]:
        """Return the photos with these contents, oldest first; contents without any left out."""
        found = self._catalog.by_content(contents)
        return {content: [record.photo for record in some] for content, some in found.items()}

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        return self._catalog.fingerprints(contents)

    def select(
        self,
        where: Filter = EVERYTHING,
        *,
        newest_first: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> Iterator[Photo]:
        """Iterate over the photos that a filter lets pass, as they are now."""
        if newest_first:
            return self._overview.select(where, offset, limit)
        photos = (record.photo for record in self._catalog.select(where))
        return islice(photos, offset, None if limit is None else offset + limit)

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        among = replace(where, embedded=None)
        if where.embedded is None or among == EVERYTHING:
            return self._catalog.count(where)
        # Of those that were searched, they were counted by the search.
        return self._views.count(where.embedded, among)

    def counts(self) -> Counts:
        """Return how many photos there are."""
        return self._catalog.counts()

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""
        return self._overview.places()

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail, the most frequent first."""
        return self._overview.tags()

    def clear_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor refused."""
        with self._changing():
            where = Filter(folder=folder, refused=True)
            records = [
                record
                for record in self._catalog.select(where)
                if space is None or space in record.photo.refusals
            ]
            if records:
                with self._storage.transaction():
                    for photo, rows in records:
                        self._catalog.put_photo(photo.without_refusal(space), rows)

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first."""
        return self._catalog.folders()

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path; return it as it is now."""
        with self._changing(), self._storage.transaction():
            return self._catalog.put_folder(folder)

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``; its photos stay until they are removed."""
        with self._changing(), self._storage.transaction():
            self._catalog.remove_folder(path)

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that do not show the same."""
        return self._catalog.told_apart()

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Remember pairs of contents; those that are known stay."""
        with self._changing(), self._storage.transaction():
            self._catalog.tell_apart(pairs)

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Forget pairs of contents, where they are known."""
        with self._changing(), self._storage.transaction():
            self._catalog.forget_apart(pairs)

    # What a person said of hits.

    def judgements(self) -> list[Judgement]:
        """Return what was said of photos that queries found."""
        return self._catalog.judgements.all()

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Remember judgements; one of the same photo for the same query is replaced."""
        with self._changing(), self._storage.transaction():
            self._catalog.judgements.put(judgements)

    def forget_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Forget the judgements of the same photos for the same queries, where they are known."""
        with self._changing(), self._storage.transaction():
            self._catalog.judgements.remove(judgements)

    # What a person said of tags.

    def tag_judgements(self) -> list[TagJudgement]:
        """Return what was said of the tags of photos, oldest first."""
        return self._catalog.tag_judgements.all()

    def judge_tags(self, judgements: Iterable[TagJudgement]) -> None:
        """Remember what is said of tags; what was said of the same tag of a photo is replaced."""
        with self._changing(), self._storage.transaction():
            self._catalog.tag_judgements.put(judgements)

    def forget_tag_judgements(self, judgements: Iterable[TagJudgement]) -> None:
        """Forget what was said of the same tags of the same photos, where that is known."""
        with self._changing(), self._storage.transaction():
            self._catalog.tag_judgements.remove(judgements)

    # Spaces and embeddings.

    def spaces(self) -> list[Space]:
        """Return the spaces, oldest first."""
        return [stored.space for stored in self._catalog.spaces()]

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""
        return self._catalog.space_counts(space)

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none."""
        with self._changing():
            new = StoredSpace(extractor, version, dimension, build=build)
            known = next((one for one in self._catalog.spaces() if one.id == new.id), None)
            if known is None:
                # Never a file that is there: what it holds is not known any more.
                generation = 1 + max(self._spaces.generations(new), default=0)
                return self._put_space(replace(new, generation=generation))
            if known.dimension != dimension:
                raise LibraryError(
                    f"{new.id} makes vectors of {dimension} numbers, "
                    f"but made {known.dimension} before",
                    "an extractor needs a new version when its dimension changes",
                )
            if build == known.build:
                return known.space
            self.clear_refusals(space=known.id)
            return self._put_space(replace(known, build=build))

    def remove_space(self, space: str) -> None:
        """Remove a space with its embeddings and its index."""
        with self._changing():
            stored = self._spaces.get(space)
            with self._storage.transaction():
                self._catalog.remove_space(stored)
            self._spaces.forget(space)
            self._removed.forget_space(space)
            # Windows keeps what a reader has open; nothing refers to it any more.
            shutil.rmtree(self._spaces.folder(space), ignore_errors=True)

    def embeddings(
        self, space: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, (n,), and the embeddings, float32 (n, d)."""
        snapshot = self._spaces.snapshot(space)
        rows = snapshot.rows(contents)
        for place in np.flatnonzero(rows < 0).tolist():
            rows[place] = self._removed.row(space, contents[place])
        has = rows >= 0
        if has.all():  # Nearly always: hundreds are asked for with each query.
            return has, snapshot.vectors.rows(rows)
        vectors = np.zeros((len(rows), snapshot.space.dimension), np.float32)
        vectors[has] = snapshot.vectors.rows(rows[has])
        return has, vectors

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        snapshot = self._spaces.snapshot(space)
        return snapshot.contents(np.flatnonzero(snapshot.photos > 1))

    def scan(self, space: str) -> Iterator[tuple[Sequence[str], Array32]]:
        """Yield all contents that photos refer to with their embeddings, (b, d), in batches."""
        snapshot = self._spaces.snapshot(space)
        for start in range(0, len(snapshot.live_rows), BLOCK):
            yield snapshot.read(snapshot.live_rows[start : start + BLOCK])

    def sample(self, space: str, count: int, *, seed: int = 0) -> tuple[Sequence[str], Array32]:
        """Return some contents that photos refer to with their embeddings, drawn at random."""
        snapshot = self._spaces.snapshot(space)
        rows = snapshot.live_rows
        if len(rows) > count:
            rows = np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
        return snapshot.read(rows)

    def nearest(
        self,
        space: str,
        queries: Array32,
        count: int,
        *,
        over: Over = "points",
        where: Filter = EVERYTHING,
        exclude: Collection[str] = (),
        vectors: bool = True,
    ) -> Nearest:
        """Find the nearest contents of queries, among those that photos refer to."""
        return self._views.nearest(
            space, queries, count, over=over, where=where, exclude=exclude, vectors=vectors
        )

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, (n,), and the points, float32 (n, d)."""
        return self._views.points(space, contents)

    def neighbours(self, space: str) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """Yield the contents that the index was built on, each with its nearest others."""
        return self._views.neighbours(space)

    def indexed(self, space: str) -> Iterator[tuple[Sequence[str], npt.NDArray[np.bool_]]]:
        """Yield the contents that the index was built on, and which of them repeat others."""
        return self._views.indexed(space)

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space; None where embeddings are compared instead."""
        return self._views.info(space)

    @contextmanager
    def new_index(self, space: str, *, graph: bool) -> Iterator[EmbeddedIndexWriter]:
        """Return what builds a new index of a space, with a graph or without."""
        alone: AbstractContextManager[None] = building_graph(self._home) if graph else nullcontext()
        with alone:
            snapshot = self._spaces.snapshot(space)
            yield EmbeddedIndexWriter(
                self._spaces.folder(space),
                snapshot.space.generation,
                self._catalog.contents(space).copy(),
                graph=graph,
            )

    def is_building(self) -> bool:
        """Return whether a graph is being built, by this process or another."""
        return is_building_graph(self._home)

    def extend_index(self, space: str) -> list[str]:
        """Make what came since the index was built a durable part of it."""
        folder, snapshot = self._spaces.folder(space), self._spaces.snapshot(space)
        nearest_pictures = partial(self._views.nearest_pictures, space)
        return indexes.extend(folder, snapshot, self._views.opened(space), nearest_pictures)

    def remove_index(self, space: str) -> None:
        """Remove the index of a space."""
        remove_index(self._spaces.folder(space))

    # Upkeep.

    def verify(self, *, changed_only: bool = False) -> int:
        """Read all embeddings, forget the damaged ones, and return how many photos lost one."""
        with self._changing():
            lost = self._repair_vectors()
        for space in self._catalog.spaces():
            if changed_only and not self._spaces.is_changed(space):
                continue
            self._spaces.note_verified(space)
            # Others may write meanwhile: within a generation rows keep their meaning.
            damaged = upkeep.damaged_rows(self._catalog, self._spaces, space)
            with self._changing():
                if self._spaces.get(space.id).generation == space.generation:
                    lost += len(upkeep.forget(self._catalog, space, damaged, self._problems))
        return lost

    def reclaim(self) -> bool:
        """Give back dead rows and outdated documents, where they are many."""
        with self._changing():
            renumbered = upkeep.reclaim(self._catalog, self._spaces, self._problems)
            for space in renumbered or ():
                self._removed.forget_space(space)
            return renumbered is not None

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        """Check everything that is kept, and repair what can be repaired if asked to."""
        return check(self._catalog, self._spaces, self._problems, self._writing, repair=repair)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other threads from writing, and see before that the files are still those known."""
        with self._writing:
            if self._files is not None:
                self._files.look()
            yield
            self._catalog.keep_checkpoint()

    def _repair_vectors(self) -> int:
        return self._files.repair_vectors() if self._files else 0

    def _forget_what_is_open(self) -> None:
        self._spaces.release()
        self._removed = RemovedContents()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _put_space(self, space: StoredSpace) -> Space:
        with self._storage.transaction():
            self._catalog.put_space(space)
        return space.space

    def _note_removed(self, records: Iterable[Record]) -> None:
        """Remember the rows of contents that no photo refers to any more."""
        rows = {record.photo.content: record.rows for record in records if record.rows}
        if not rows:
            return
        there = self._catalog.by_content(rows)
        for content, known in rows.items():
            if content not in there:
                self._removed.add(content, known)


def open_embedded(
    home: Home,
    address: str,
    *,
    writable: bool,
    resident: bool,
    idle_seconds: float | None,
) -> EmbeddedStore:
    """Open the library of a home; as `photofind.library.stores.Engine`.

    Raises
    ------
    LibraryError
        The library cannot be opened, or the address names a place: this engine has but the home.
    """
    if address != EMBEDDED:
        raise LibraryError(
            f"the setting store cannot be {address!r}", f"this engine is just {EMBEDDED!r}"
        )
    return EmbeddedStore(home, writable=writable, resident=resident, idle_seconds=idle_seconds)
