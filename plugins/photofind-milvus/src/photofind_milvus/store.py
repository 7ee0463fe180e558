"""The store on Milvus: the calls of the protocol."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Self

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError, NewerFormatError
from photofind.library.lock import building_graph, is_building_graph, writing_to
from photofind.library.store import (
    Array32,
    Counts,
    IndexInfo,
    Nearest,
    Over,
    Place,
    SpaceCounts,
)
from photofind.model import Check, TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Judgement, TagJudgement
from photofind.model.records import Folder, Pair, Photo, Space
from photofind.paths import Home
from photofind_milvus import photos as photo_changes
from photofind_milvus import said, spaces, upkeep
from photofind_milvus.address import parse_address
from photofind_milvus.changing import Changes, take_back
from photofind_milvus.connection import Connection
from photofind_milvus.folders import Folders
from photofind_milvus.index_writer import MilvusIndexWriter
from photofind_milvus.library import Library
from photofind_milvus.naming import Naming
from photofind_milvus.overview import Overview
from photofind_milvus.points import POINTS, Points, make_points
from photofind_milvus.revisions import COMMITS, Revisions
from photofind_milvus.rows import make_tables
from photofind_milvus.vectors import Embeddings, rounded

__all__ = ["SCHEMA", "MilvusStore"]

SCHEMA = 2
"""The version of the collections and their fields."""
_DESCRIPTION = "photofind library, schema "

_NO_EMBEDDINGS: Mapping[str, Array32] = {}


class MilvusStore:
    """A library on a Milvus server, which several machines share.

    Parameters
    ----------
    home
        One process writes from it at a time.
    address
        The setting ``store``.
    writable
        Whether to open it for writing too.

    Raises
    ------
    LockedError
        Another process writes from this home.
    NewerFormatError
        A later version of this plugin made the library.
    LibraryError
        The address says nothing that can be opened, or the server refuses or does not answer.
    """

    def __init__(self, home: Home, address: str, *, writable: bool = False) -> None:
        self._home = home
        self._address = parse_address(address, home)
        self._lock = writing_to(home, str(self._address)) if writable else None
        self._connection: Connection | None = None
        try:
            self._connection = connection = Connection(self._address)
            naming = Naming(self._address.machine)
            owner = f"{platform.node()}:{home.root}"
            if not writable:  # It may build an index beside the one that writes.
                owner += f"#{os.getpid()}-{secrets.token_hex(4)}"
            self._revisions = Revisions(
                connection, owner[-200:], lambda number: take_back(self._library, number)
            )
            self._library = Library(connection, naming, self._revisions)
            if connection.has(COMMITS):
                self._check_schema(connection)
                connection.load()
            elif writable:
                self._make(connection)
            self._revisions.refresh(at_once=True)
            self._points = Points(self._library)
            self._embeddings = Embeddings(self._library)
            self._changes = Changes(self._library, self._points, self._embeddings)
            self._folders = Folders(self._library, self._changes)
            self._overview = Overview(self._library)
            if writable:
                self._revisions.recover()
                self._revisions.refresh(at_once=True)
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and let other processes of this home write."""
        try:
            if self._connection is not None and self._lock is not None:
                self._connection.settle()
        except LibraryError:  # It is closed all the same; what was committed stays.
            pass
        finally:
            self._release()

    @property
    def version(self) -> Hashable:
        """The state of the commits that is seen."""
        return self._library.state.version

    @property
    def problems(self) -> list[str]:
        """Nothing: the server looks after its own disks."""
        return []

    @property
    def bytes(self) -> int:
        """How large the rows are, by their number and the length of their vectors."""
        return upkeep.size(self._library)

    @property
    def processes(self) -> Mapping[str, int]:
        """Nothing: there are no child processes."""
        return {}

    def refresh(self) -> bool:
        """Take in what others have committed since; return whether there was anything."""
        if not self._library.connection.has(COMMITS):
            self._library.connection.look_for_tables()
        return self._revisions.refresh()

    def warm_up(self, space: str) -> None:
        """Read the projection of the index of a space."""
        self._points.index(space)

    def release_memory(self) -> None:
        """Do nothing: the memory is the server's."""

    # Photos.

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        embeddings: Mapping[str, Array32] = _NO_EMBEDDINGS,
    ) -> list[Photo]:
        """Put photos into the library, with embeddings by content; see the protocol."""
        listed = list(photos)
        known = self._library.space(space) if embeddings else None
        kept = (
            {}
            if known is None
            else {content: rounded(vector, known.space) for content, vector in embeddings.items()}
        )
        return self._changes.make(
            lambda change: photo_changes.commit(self._library, change, listed, known, kept)
        )

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos; their embeddings stay until :meth:`reclaim`."""
        ids = [photo.id for photo in photos]
        self._changes.make(lambda change: change.end(self._library.by_ids(ids)))

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        """Return the photos with these ids; those that do not exist are left out."""
        listed = list(ids)
        found = {one.photo.id: one.photo for one in self._library.by_ids(listed)}
        return {one: found[one] for one in listed if one in found}

    def by_path(self, paths: Iterable[str]) -> dict[str, Photo]:
        """Return the photos at these paths; those that do not exist or are away are left out."""
        listed = list(paths)
        kept = self._library.by_places((path, None) for path in listed)
        found = {one.photo.path: one.photo for one in kept}
        return {path: found[path] for path in listed if path in found}

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Photo]]:
        """Return the photos with these contents, oldest first; contents without any left out."""
        found = self._library.by_contents(contents)
        return {content: [one.photo for one in several] for content, several in found.items()}

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        return {
            content: photo.fingerprint
            for content, several in self.by_content(contents).items()
            for photo in several
            if photo.fingerprint
        }

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
            return self._overview.newest(where, offset, limit)
        photos = (one.photo for one in self._library.select(where))
        return islice(photos, offset, None if limit is None else offset + limit)

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        return self._overview.count(where)

    def counts(self) -> Counts:
        """Return how many photos there are."""
        return self._overview.counts()

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""
        return self._overview.places()

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail, the most frequent first."""
        return self._overview.tags()

    def clear_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor refused."""
        self._changes.make(
            lambda change: spaces.clear_refusals(self._library, change, space, folder)
        )

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first; those of other machines are offline here."""
        return self._folders.all()

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path; one of another machine stays."""
        return self._folders.put(folder)

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``; its photos stay until they are removed."""
        self._folders.remove(path)

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that do not show the same."""
        return said.told_apart(self._library)

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Remember pairs of contents; those that are known stay."""
        listed = list(pairs)
        self._changes.make(lambda change: said.tell_apart(self._library, change, listed))

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Forget pairs of contents, where they are known."""
        listed = list(pairs)
        self._changes.make(lambda change: said.forget_apart(self._library, change, listed))

    # What a person said of hits.

    def judgements(self) -> list[Judgement]:
        """Return what was said of photos that queries found, oldest first."""
        return said.judgements(self._library)

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Remember judgements; one of the same photo for the same query is replaced."""
        listed = list(judgements)
        self._changes.make(lambda change: said.judge(self._library, change, listed))

    def forget_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Forget the judgements of the same photos for the same queries, where they are known."""
        listed = list(judgements)
        self._changes.make(lambda change: said.forget_judgements(self._library, change, listed))

    # What a person said of tags.

    def tag_judgements(self) -> list[TagJudgement]:
        """Return what was said of the tags of photos, oldest first."""
        return said.tag_judgements(self._library)

    def judge_tags(self, judgements: Iterable[TagJudgement]) -> None:
        """Remember what is said of tags; what was said of the same tag of a photo is replaced."""
        listed = list(judgements)
        self._changes.make(lambda change: said.judge_tags(self._library, change, listed))

    def forget_tag_judgements(self, judgements: Iterable[TagJudgement]) -> None:
        """Forget what was said of the same tags of the same photos, where that is known."""
        listed = list(judgements)
        self._changes.make(lambda change: said.forget_tags(self._library, change, listed))

    # Spaces and embeddings.

    def spaces(self) -> list[Space]:
        """Return the spaces, oldest first."""
        return [one.space for one in self._library.spaces()]

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""
        return self._overview.space_counts(space)

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none."""
        space = Space(extractor, version, dimension, build)
        known = self._changes.make(
            lambda change: spaces.open_space(self._library, change, self._embeddings, space)
        )
        if known is not None:  # Another one may have made it, whose part is not known here.
            self._embeddings.make(known)
        return space

    def remove_space(self, space: str) -> None:
        """Remove a space with its embeddings and its index."""
        known, parts = self._changes.make(
            lambda change: spaces.remove_space(self._library, change, space)
        )
        self._embeddings.drop(known)
        for part in parts:
            self._library.connection.drop_part(POINTS, part)

    def embeddings(
        self, space: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, (n,), and the embeddings, float32 (n, d)."""
        return self._embeddings.get(self._library.space(space), contents)

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        return self._overview.shared_contents(space)

    def scan(self, space: str) -> Iterator[tuple[Sequence[str], Array32]]:
        """Yield all contents that photos refer to with their embeddings, (b, d), in batches."""
        for page in self._embeddings.pages(self._library.space(space)):
            if page:
                yield list(page), np.array(list(page.values()), np.float32)

    def sample(self, space: str, count: int, *, seed: int = 0) -> tuple[Sequence[str], Array32]:
        """Return some contents that photos refer to with their embeddings, drawn at random."""
        return self._embeddings.sample(self._library.space(space), count, seed)

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
        if over == "embeddings":
            return self._embeddings.nearest(
                self._library.space(space),
                queries,
                count,
                where=where,
                exclude=exclude,
                vectors=vectors,
            )
        return self._points.nearest(
            space,
            queries,
            count,
            where=where,
            exclude=exclude,
            pictures=over == "pictures",
            vectors=vectors,
        )

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, (n,), and the points, float32 (n, d)."""
        return self._points.get(space, contents)

    def neighbours(self, space: str) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """Yield the contents that the index was built on, each with its nearest others."""
        return self._points.neighbours(space)

    def indexed(self, space: str) -> Iterator[tuple[Sequence[str], npt.NDArray[np.bool_]]]:
        """Yield the contents that the index was built on, and which of them repeat others."""
        return self._points.indexed(space)

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space; None where embeddings are compared instead."""
        return self._points.info(space)

    @contextmanager
    def new_index(self, space: str, *, graph: bool) -> Iterator[MilvusIndexWriter]:
        """Return what builds a new index of a space, with a graph or without."""
        alone: AbstractContextManager[None] = building_graph(self._home) if graph else nullcontext()
        with alone:
            writer = MilvusIndexWriter(
                self._library,
                self._points,
                self._embeddings,
                self._changes,
                self._library.space(space),
                graph=graph,
            )
            try:
                yield writer
            finally:
                writer.discard()
            upkeep.drop_old_parts(self._library)

    def is_building(self) -> bool:
        """Return whether a process of this home is building a graph."""
        return is_building_graph(self._home)

    def extend_index(self, space: str) -> list[str]:
        """Do nothing: what came since has its points with its commit."""
        self._library.space(space)
        return []

    def remove_index(self, space: str) -> None:
        """Remove the index of a space."""
        for part in self._changes.make(
            lambda change: spaces.end_index(self._library, change, space)
        ):
            self._library.connection.drop_part(POINTS, part)

    # Upkeep.

    def verify(self, *, changed_only: bool = False) -> int:
        """Have photos embedded again whose embeddings are not there; return how many."""
        return 0 if changed_only else upkeep.verify(self._library, self._changes, self._embeddings)

    def reclaim(self) -> bool:
        """Delete rows that ended long ago, and embeddings that no photo refers to."""
        return upkeep.reclaim(self._library)

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        """Check what photos and indexes refer to."""
        return upkeep.check(self._library, self._changes, self._embeddings, repair=repair)

    # Opening.

    def _make(self, connection: Connection) -> None:
        """Make the collections, all at once; those of commits last, which say that it is whole."""
        with ThreadPoolExecutor(3) as pool:
            made = [pool.submit(make, connection) for make in (make_tables, make_points)]
            for one in made:
                one.result()
        self._revisions.make(f"{_DESCRIPTION}{SCHEMA}")

    def _check_schema(self, connection: Connection) -> None:
        text = connection.description(COMMITS)
        version = text.removeprefix(_DESCRIPTION)
        if text == version or not version.isdecimal():
            raise LibraryError(f"what is at {self._address} is no library of photofind")
        if int(version) > SCHEMA:
            raise NewerFormatError(
                f"the library {self._address} was made by a newer photofind-milvus",
                "install that here too",
            )
        if int(version) < SCHEMA:
            raise LibraryError(
                f"the library {self._address} was made by an older photofind-milvus",
                "index into a library of another name",
            )

    def _release(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lock is not None:
            self._lock.release()
