"""Which spaces answer a query: those that the extractors in use have embedded enough photos in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from photofind.errors import ExtractorError, LibraryError, PhotofindError
from photofind.extractors.presence import installed_names
from photofind.library.extractor_memory import ExtractorMemory
from photofind.library.store import SpaceCounts, Store
from photofind.model import ExtractorProgress
from photofind.model.extractor_choice import parse_extractors
from photofind.model.fused import fused_space, is_fused
from photofind.model.records import Space
from photofind.paths import Home

__all__ = ["Answering", "SpaceChoice", "complete_fused_space", "indexes_built"]

# A space with embeddings of this share of the photos that it is to have can answer.
COMPLETE = 0.95

Counts = Mapping[Space, SpaceCounts]


@dataclass(frozen=True)
class Answering:
    """The spaces that answer.

    Parameters
    ----------
    weights
        How much each counts; the first one's photos are hits.
    coming
        The extractors that are to answer, and have still to embed too many photos.
    left_out
        Why others do not answer, a line each.
    """

    weights: Mapping[Space, float]
    coming: tuple[ExtractorProgress, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def first(self) -> Space:
        """The space whose photos are hits."""
        return next(iter(self.weights))

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of who answers, a line each."""
        extractors = {space.extractor for space in self.weights}
        one = len({one.extractor for one in self.coming} | extractors) == 1
        names = " and ".join(
            f"version {space.version}" if one else space.extractor for space in self.weights
        )
        verb = "answers" if len(self.weights) == 1 else "answer"
        return (*self.left_out, *(f"{one.line}; {names} {verb} until then" for one in self.coming))

    def replaced(self, old: Space, new: Space | None, reason: str) -> Answering:
        """Return the same with another space instead of one, or without it, for a reason."""
        weights: dict[Space, float] = {}
        for space, weight in self.weights.items():
            chosen = new if space == old else space
            if chosen is not None:
                weights[chosen] = weight
        return replace(self, weights=weights, left_out=(*self.left_out, reason))


class SpaceChoice:
    """Chooses the spaces that answer.

    Parameters
    ----------
    store
        Open for reading or writing.
    home
        Where extractors are installed.
    in_use
        The extractors in use, with or without weights, as the setting has them.
    memory
        Which space each extractor fills, and which answered last.
    """

    def __init__(self, store: Store, home: Home, in_use: str, memory: ExtractorMemory) -> None:
        self._store = store
        self._home = home
        self._in_use = in_use
        self._memory = memory

    def answering(self, wanted: str | None = None) -> Answering:
        """Return the spaces that answer a query that names these extractors, or none.

        Until an extractor in use has embedded nearly all photos, those go on that answered before.

        Raises
        ------
        ExtractorError
            One is not installed, and nothing was ever indexed with it.
        LibraryError
            Nothing was indexed with them yet.
        """
        counts = self._counts()
        if wanted is not None:
            return self._named(parse_extractors(wanted), counts)
        named = parse_extractors(self._in_use)
        there = installed_names(self._home)
        weights: dict[Space, float] = {}
        for name, weight in named.items():
            if name in there and (space := self._ready(name, counts)) is not None:
                weights[space] = weight
        if not weights:
            weights = dict.fromkeys(self._before(counts, there), 1.0)
        if not weights:  # What is stored of one that was uninstalled.
            weights = dict.fromkeys(self._fullest(_of(named, counts), counts), 1.0)
        if not weights:  # Nothing is embedded yet, or all of it was removed.
            filled = (self._current(name, counts) for name in named)
            weights = dict.fromkeys([space for space in filled if space is not None][:1], 1.0)
        if not weights:
            raise self._nothing(next(iter(named)))
        self._memory.note_answered([space.id for space in weights])
        coming = self._coming([name for name in named if name in there], weights, counts)
        missing = [name for name in named if name not in there]
        left_out = tuple(f"the extractor {name} is not installed" for name in missing)
        return Answering(weights, coming, left_out)

    def others(self, tried: Collection[Space]) -> list[Space]:
        """Return spaces that may answer where those that were tried cannot, the best first."""
        counts = self._counts()
        there = installed_names(self._home)
        left = {one: n for one, n in counts.items() if one not in tried and one.extractor in there}
        before = [space for space in left if space.id in self._memory.answered()]
        fullest = sorted(left, key=lambda space: -left[space].embedded)
        return [space for space in dict.fromkeys([*before, *fullest]) if left[space].embedded]

    def lacking(self) -> int:
        """Return how many photos the extractors that are to answer have still to embed, at most."""
        counts = self._counts()
        there = installed_names(self._home)
        filled = (self._current(n, counts) for n in parse_extractors(self._in_use) if n in there)
        return max((counts[space].lacking for space in filled if space is not None), default=0)

    def _counts(self) -> Counts:
        """Return how far the space of each extractor is, the oldest space first."""
        return {
            space: self._store.space_counts(space.id)
            for space in self._store.spaces()
            if not is_fused(space)
        }

    def _current(self, extractor: str, counts: Counts) -> Space | None:
        """Return the space that an extractor fills; None where there is none yet."""
        own = _of([extractor], counts)
        current = self._memory.current(extractor)
        return next((space for space in own if space.id == current), own[-1] if own else None)

    def _ready(self, extractor: str, counts: Counts) -> Space | None:
        """Return the space of an extractor that can answer; None while there is none."""
        current = self._current(extractor, counts)
        if current is None:
            return None
        answered = self._memory.answered()
        if current.id in answered or _is_complete(counts[current]):
            return current
        older = [space for space in _of([extractor], counts) if space != current]
        before = [space for space in older if space.id in answered]
        fuller = [one for one in older if counts[one].embedded > counts[current].embedded]
        return next(iter([*before, *self._fullest(fuller, counts)]), None)

    def _before(self, counts: Counts, there: Collection[str]) -> Sequence[Space]:
        """Return the spaces that answered before, or else the fullest one."""
        known = [one for one in counts if one.extractor in there and counts[one].embedded]
        answered = self._memory.answered()
        before = [space for space in known if space.id in answered]
        return before or self._fullest(known, counts)

    @staticmethod
    def _fullest(spaces: Sequence[Space], counts: Counts) -> Sequence[Space]:
        """Return the newest of the spaces that have nearly as many photos as any of them."""
        enough = COMPLETE * max((counts[space].embedded for space in spaces), default=0)
        return [space for space in spaces if counts[space].embedded >= enough][-1:]

    def _coming(
        self, extractors: Iterable[str], weights: Collection[Space], counts: Counts
    ) -> tuple[ExtractorProgress, ...]:
        """Return how far those of some extractors are that do not answer with their own space."""
        coming: list[ExtractorProgress] = []
        for name in extractors:
            space = self._current(name, counts)
            if space is None:
                known = self._store.counts()
                coming.append(ExtractorProgress(name, None, 0, known.photos - known.failed))
            elif space not in weights:
                done, left = counts[space].embedded, counts[space].lacking
                coming.append(ExtractorProgress(name, space.version, done, done + left))
        return tuple(coming)

    def _named(self, named: Mapping[str, float], counts: Counts) -> Answering:
        """Return the spaces of extractors that a query names."""
        weights: dict[Space, float] = {}
        failed: list[PhotofindError] = []
        for name, weight in named.items():
            ready = self._ready(name, counts)
            space = ready or next(iter(self._fullest(_of([name], counts), counts)), None)
            if space is None:
                failed.append(self._nothing(name))
            else:
                weights[space] = weight
        if not weights:
            raise failed[0]
        names = [space.extractor for space in weights]
        return Answering(weights, self._coming(names, weights, counts), tuple(map(str, failed)))

    def _nothing(self, name: str) -> PhotofindError:
        """Return what is wrong where an extractor has no space."""
        if not self._store.folders():
            return LibraryError(
                "there are no photos to search in yet",
                "add some with `photofind folders add ~/Pictures`, then run `photofind index`",
            )
        if name not in installed_names(self._home):
            return ExtractorError(
                f"there is no extractor {name!r}", "`photofind extractors` lists what is installed"
            )
        if name in parse_extractors(self._in_use):
            return LibraryError("nothing is indexed yet", "run `photofind index`")
        return LibraryError(
            f"nothing is indexed with the extractor {name!r} yet",
            f"run `photofind extractors use {name}`, then `photofind index`",
        )


def complete_fused_space(store: Store, weights: Mapping[Space, float]) -> Space | None:
    """Return the space of several extractors together, if it can answer in the place of theirs.

    It has nearly all contents that any of them has, and an index where they have one.
    """
    if len(weights) < 2:
        return None
    wanted = fused_space(weights).id
    fused = next((space for space in store.spaces() if space.id == wanted), None)
    if fused is None:
        return None
    done, *parts = (store.space_counts(one.id).contents for one in (fused, *weights))
    if not done or done < COMPLETE * max(parts):
        return None
    has_index = store.index(fused.id) is not None
    return fused if has_index or not any(store.index(one.id) for one in weights) else None


def indexes_built(store: Store, weights: Mapping[Space, float]) -> list[float | None]:
    """Return when the indexes were built that compare: one may be replaced while it does.

    What was projected for one then means nothing to the other.
    """
    together = complete_fused_space(store, weights)
    spaces = [*weights, together] if together else [*weights]
    indexes = [store.index(space.id) for space in spaces]
    return [None if index is None else index.built for index in indexes]


def _of(extractors: Iterable[str], spaces: Iterable[Space]) -> list[Space]:
    names = set(extractors)
    return [space for space in spaces if space.extractor in names]


def _is_complete(counts: SpaceCounts) -> bool:
    return counts.embedded >= COMPLETE * (counts.embedded + counts.lacking)
