"""The store: how the rest of photofind reads and writes a library, whatever engine keeps it.

An engine implements :class:`Store` and passes the checks of :mod:`photofind.testing.stores`.
``photofind.library.embedded`` is the default; others are found by the entry-point group
``photofind.stores`` and chosen by the setting ``store``.

Embeddings are keyed by content: two files with the same bytes share one. A *point* is an embedding
projected into the space fitted on the library, and smoothed; points make up the index of a space.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from photofind.model import Check, TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Judgement, TagJudgement
from photofind.model.records import Folder, Pair, Photo, Space
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection

__all__ = [
    "Changes",
    "Counts",
    "IndexInfo",
    "IndexWriter",
    "Nearest",
    "Neighbours",
    "Place",
    "SpaceCounts",
    "Store",
    "TellsChanges",
]

Array32 = npt.NDArray[np.float32]
Over = Literal["points", "pictures", "embeddings"]


@dataclass(frozen=True)
class SpaceCounts:
    """How far a space is.

    Parameters
    ----------
    embedded
        Photos whose content has an embedding in it, preliminary ones included.
    lacking
        Photos that its extractor has still to embed, preliminary ones not included.
    refused
        Photos that its extractor refused.
    contents
        Different contents that photos refer to, (``embedded`` counts each copy).
    """

    embedded: int
    lacking: int
    refused: int
    contents: int


@dataclass(frozen=True)
class Counts:
    """How many photos there are, in all; how many failed; how many are preliminary.

    ``unmarked`` are those without a fingerprint, as in :class:`~photofind.model.filters.Filter`,
    and ``noted`` those that did not fail, but of which a part could not be read.
    """

    photos: int
    failed: int
    preliminary: int
    unmarked: int
    noted: int = 0


class Place(NamedTuple):
    """How many photos lie right in a folder and were taken in a month (``2021-05``)."""

    folder: str
    month: str
    photos: int


@dataclass(frozen=True)
class IndexInfo:
    """The index that answers for a space.

    Parameters
    ----------
    projection, ranked, plain
        The projection; the backgrounds of the ranking's similarity and of the plain cosine.
    photos
        How many contents it was built on.
    fresh
        How many contents came since; they are found all the same.
    gone
        How many of the contents that it was built on no photo refers to any more.
    graph
        Whether it has a graph over the contents that it was built on.
    ready
        Whether that graph answers by now; a resident store loads it in the background.
    recall
        Recall@10 of the graph against exact search; None where no graph was built.
    built
        When, in seconds since 1970; differs from one index to the next.
    repeats
        How many of the contents that it was built on are nearly the same as another one.
    outdated
        Whether an older photofind built it: it answers until it is built again.
    """

    projection: Projection
    ranked: Background
    plain: Background
    photos: int
    fresh: int
    gone: int
    graph: bool
    ready: bool
    recall: float | None
    built: float
    repeats: int = 0
    outdated: bool = False

    @property
    def pictures(self) -> int:
        """How many different pictures it holds."""
        return self.photos + self.fresh - self.gone - self.repeats


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest contents of m queries, best first.

    Parameters
    ----------
    contents
        Content ids, shape (m, k), an array of ``str`` objects; "" where fewer were found.
    similarities
        Cosines, float32 (m, k); ``-inf`` where fewer were found.
    vectors
        The points or embeddings that were compared, float32 (m, k, d), at unit length; zeros where
        fewer were found. Not asked for, (m, k, 0).
    searched_by
        "graph", "exact" (all points were compared) or "plain" (all embeddings were compared).
    """

    contents: npt.NDArray[np.object_]
    similarities: Array32
    vectors: Array32
    searched_by: str


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Some points of a new index with their nearest other points, best first.

    ``contents`` has b ids, ``points`` is (b, d), ``similarities`` (b, k); ``others`` has the places
    of the neighbours, (b, k), in the order in which all points come.
    """

    contents: Sequence[str]
    others: npt.NDArray[np.integer[Any]]
    points: Array32
    similarities: Array32


@dataclass(frozen=True)
class Changes:
    """What became of the photos of a library.

    Parameters
    ----------
    version
        Up to which version of the library.
    photos
        The ids of all photos that are not as they were, new and removed ones too, and perhaps of
        others; None where any may be.
    """

    version: Hashable
    photos: Collection[int] | None


@runtime_checkable
class TellsChanges(Protocol):
    """What an engine may have besides: with it, what follows the photos need not look at all."""

    def changes(self, since: Hashable = None) -> Changes:
        """Return which photos changed after a version of the library, up to now.

        What is read afterwards is at least as new. Nothing changed between two calls that return
        the same version.
        """
        ...


class IndexWriter(Protocol):
    """A new index of a space, while it is built; the old one answers until :meth:`publish`.

    The builder calls :meth:`put` for all contents, then :meth:`repeats`, smooths them
    (:meth:`neighbours` and :meth:`replace`, each batch once), then :meth:`finish`, then
    :meth:`nearest` as often as it likes, and :meth:`publish` last. Leaving the context without it
    discards the new index.
    """

    def put(self, contents: Sequence[str], points: Array32) -> None:
        """Add projected points, float32 (n, d), at unit length."""
        ...

    def neighbours(self, count: int) -> Iterator[Neighbours]:
        """Yield all points in batches, each with its ``count`` nearest others, before smoothing."""
        ...

    def repeats(self, contents: Sequence[str]) -> None:
        """Take note of contents that are nearly the same as another one, which is not among them.

        Neither :meth:`nearest` nor :meth:`Store.nearest` over "pictures" finds them.
        """
        ...

    def replace(self, contents: Sequence[str], points: Array32) -> None:
        """Replace points by smoothed ones; :meth:`neighbours` still gives those put first."""
        ...

    def finish(self) -> None:
        """Take note that all points are smoothed; build the graph over them if one is wanted."""
        ...

    def nearest(
        self, queries: Array32, count: int, *, exclude: Sequence[str] = ()
    ) -> tuple[Array32, Array32]:
        """Return the nearest smoothed points of queries (m, d): points (m, k, d), cosines (m, k).

        ``exclude`` names one content for each query that is not to be found.
        """
        ...

    def points(self, contents: Sequence[str]) -> Array32:
        """Return the smoothed points of some contents, (n, d)."""
        ...

    def publish(self, projection: Projection, ranked: Background, plain: Background) -> IndexInfo:
        """Make this the index of the space, durably and as a whole.

        Raises
        ------
        LibraryError
            The disk refused; the old index stands.
        """
        ...


class Store(Protocol):
    """A library as an engine keeps it: photos, folders, embedding spaces, embeddings, indexes.

    Any number of readers, in any processes, see the last whole commit that was there when they
    were opened or last refreshed. One process writes at a time where the engine wants it so: it is
    opened ``writable``. Threads may share a store.

    Unless a method says otherwise, it raises :class:`~photofind.errors.LibraryError` where the
    disk or the server refuses; what was committed stays, and the same can be tried again.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def close(self) -> None:
        """Close it, end its child processes, and let others write."""
        ...

    @property
    def version(self) -> Hashable:
        """An opaque value that differs after every commit; only equality means something."""
        ...

    @property
    def problems(self) -> list[str]:
        """What was found damaged and is not repaired yet, one line each."""
        ...

    @property
    def bytes(self) -> int:
        """How large the library is, in bytes."""
        ...

    @property
    def processes(self) -> Mapping[str, int]:
        """The process ids of its child processes, by what they do."""
        ...

    def refresh(self) -> bool:
        """Take in what others have committed; return whether there was anything."""
        ...

    def warm_up(self, space: str) -> None:
        """Open what answers for a space, so that the next query need not wait for it."""
        ...

    def release_memory(self) -> None:
        """Release what answering keeps open; the next query opens it again."""
        ...

    # Photos.

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        embeddings: Mapping[str, Array32] = ...,
    ) -> list[Photo]:
        """Put photos into the library, with embeddings by content, all together or not at all.

        A photo replaces the one with its id, and whatever is at its path; one from the library
        with another path is thereby moved, and one that was removed comes back under its id.
        ``spaces`` and ``said`` of the photos are not looked at: each has the spaces in which its
        content has an embedding, and what was said of that; a failed photo has no spaces. A photo
        that is away stands beside the one at its path, and replaces only one that is away in the
        same way. Tags belong to embeddings: a content has
        those that its photos have, here or in the library, of the spaces that hold its embedding.
        What has an embedding in a space is not refused there.

        Parameters
        ----------
        space
            The id of the space of the embeddings.
        embeddings
            float32 (d,) by content id, of these photos or of others that are there already. Those
            that the space already has are not stored again.

        Returns
        -------
        list of Photo
            The photos as they are now in the library, one for each path.
        """
        ...

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos.

        Their embeddings can still be had by content (:meth:`embeddings`) until :meth:`reclaim`, as
        far as the engine knows of them: a photo that turns up elsewhere need not be embedded again.
        """
        ...

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        """Return the photos with these ids; those that do not exist are left out."""
        ...

    def by_path(self, paths: Iterable[str]) -> dict[str, Photo]:
        """Return the photos at these paths; those that do not exist or are away are left out."""
        ...

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Photo]]:
        """Return the photos with these contents, oldest first; contents without any left out."""
        ...

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        ...

    def select(
        self,
        where: Filter = EVERYTHING,
        *,
        newest_first: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> Iterator[Photo]:
        """Iterate over the photos that a filter lets pass, as they are now.

        Parameters
        ----------
        newest_first
            By :attr:`~photofind.model.records.Photo.moment`, then by id; in any order otherwise.
        offset, limit
            Which part of them.
        """
        ...

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        ...

    def counts(self) -> Counts:
        """Return how many photos there are; takes no time."""
        ...

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""
        ...

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail, the most frequent first.

        Names that differ in case and punctuation alone are one, spelled as it was met first.
        """
        ...

    def clear_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor refused.

        Parameters
        ----------
        space
            The id of the extractor's space; all of them where not given.
        folder
            Only photos in this folder and below.
        """
        ...

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first.

        Where several machines share a library, those of others are among them: each has its
        ``host``, and is offline where its files cannot be read here.
        """
        ...

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder, or replace the one with its path; return it as it is now.

        One that others watch is left as it is.
        """
        ...

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``; its photos stay until they are removed."""
        ...

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that do not show the same, as a person said.

        They stay whatever becomes of the photos that have these contents.
        """
        ...

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Remember pairs of contents; those that are known stay."""
        ...

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Forget pairs of contents, where they are known."""
        ...

    # What a person said of hits.

    def judgements(self) -> list[Judgement]:
        """Return what was said of photos that queries found, oldest first.

        They stay whatever becomes of the photos, and are the same for all spaces.
        """
        ...

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Remember judgements; one of the same photo for the same query is replaced."""
        ...

    def forget_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Forget the judgements of the same photos for the same queries, where they are known."""
        ...

    # What a person said of tags.

    def tag_judgements(self) -> list[TagJudgement]:
        """Return what was said of the tags of photos, oldest first.

        ``said`` of each photo has those of its content. They stay whatever becomes of the photos,
        and are the same for all spaces.
        """
        ...

    def judge_tags(self, judgements: Iterable[TagJudgement]) -> None:
        """Remember what is said of tags; what was said of the same tag of a photo is replaced."""
        ...

    def forget_tag_judgements(self, judgements: Iterable[TagJudgement]) -> None:
        """Forget what was said of the same tags of the same photos, where that is known."""
        ...

    # Spaces and embeddings.

    def spaces(self) -> list[Space]:
        """Return the spaces, oldest first."""
        ...

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is; takes no time."""
        ...

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none.

        Photos that another ``build`` refused are tried again.

        Raises
        ------
        LibraryError
            The space holds embeddings of another dimension.
        """
        ...

    def remove_space(self, space: str) -> None:
        """Remove a space with its embeddings and its index."""
        ...

    def embeddings(
        self, space: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, (n,), and the embeddings, float32 (n, d).

        They are as they were committed, rounded to float16 at the most; zeros where there is none.
        """
        ...

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        ...

    def scan(self, space: str) -> Iterator[tuple[Sequence[str], Array32]]:
        """Yield all contents that photos refer to with their embeddings, (b, d), in batches."""
        ...

    def sample(self, space: str, count: int, *, seed: int = 0) -> tuple[Sequence[str], Array32]:
        """Return some contents that photos refer to with their embeddings, drawn at random.

        The same library and seed give the same sample; all contents where there are not more.
        """
        ...

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
        """Find the nearest contents of queries, among those that photos refer to.

        All contents that are committed are found, those too that came after the index was built.

        Parameters
        ----------
        queries
            float32 (m, d), at unit length: projected for points, else as embeddings are.
        count
            How many for each query.
        over
            What is compared: all points; the points of different "pictures", which are those that
            are no repeats (:meth:`IndexWriter.repeats`), what came later included; or embeddings.
            A space without an index has no points.
        where
            Only contents of which a photo passes.
        exclude
            Contents that are not to be found.
        vectors
            Whether the vectors that were compared are wanted, beside the similarities.

        Raises
        ------
        LibraryError
            There are no points.
        """
        ...

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, (n,), and the points, float32 (n, d).

        Those have one that photos refer to and that have an embedding; zeros where there is none.

        Raises
        ------
        LibraryError
            The space has no index.
        """
        ...

    def neighbours(self, space: str) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """Yield contents in batches, each with the other contents that are nearest to it.

        They are at least those that the index was built on, each with up to ten others by their
        points before smoothing, in any order; nothing without an index. Photos refer to all of
        them.
        """
        ...

    def indexed(self, space: str) -> Iterator[tuple[Sequence[str], npt.NDArray[np.bool_]]]:
        """Yield the contents that the index was built on, in batches, and which of them repeat.

        They are those that photos still refer to; nothing without an index. The repeats, (b,), are
        those of :meth:`IndexWriter.repeats`.
        """
        ...

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space; None where embeddings are compared instead."""
        ...

    def new_index(self, space: str, *, graph: bool) -> AbstractContextManager[IndexWriter]:
        """Return what builds a new index of a space, with a graph or without; readers may too.

        Raises
        ------
        LockedError
            A graph is wanted, and another process is building one.
        """
        ...

    def is_building(self) -> bool:
        """Return whether a graph is being built, by this process or another."""
        ...

    def extend_index(self, space: str) -> list[str]:
        """Make what came since the index was built a durable part of it.

        Returns
        -------
        list of str
            The problems met, one line each: a damaged index is named, and removed.
        """
        ...

    def remove_index(self, space: str) -> None:
        """Remove the index of a space: embeddings are compared until there is another."""
        ...

    # Upkeep.

    def verify(self, *, changed_only: bool = False) -> int:
        """Read all embeddings, forget the damaged ones, and return how many photos lost one.

        An embedding that is not of the content it is kept for is damaged. These photos are embedded
        again by the next indexing. What others did to the files of the library is noticed too, and
        repaired.

        Parameters
        ----------
        changed_only
            Read only what others changed since it was verified; takes no time where that is
            nothing.
        """
        ...

    def reclaim(self) -> bool:
        """Give back to the disk what nothing refers to, where that is much; return whether it did.

        Embeddings of contents that no photo refers to may be gone afterwards.
        """
        ...

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        """Check everything that is kept, and repair what can be repaired if asked to."""
        ...
