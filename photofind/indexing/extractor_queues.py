"""The extractors in use: each with its space and a queue of the photos that it has still to embed.

One that does not work is set aside with its reason. The others go on without it, and it is tried
again later. A derived extractor has no queue: its space follows those of its bases, which are in
use with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from photofind.errors import ExtractorError
from photofind.indexing.deriving import Deriver
from photofind.indexing.reading import Reader
from photofind.indexing.retrying import Failure
from photofind.indexing.scan import Found
from photofind.library.store import Store
from photofind.model.fused import fused_parts, fused_space
from photofind.ranking.fusion import fuse_embeddings

if TYPE_CHECKING:
    from photofind.extractors.derived import DerivableExtraction
    from photofind.extractors.extraction import Extraction

__all__ = ["ExtractorQueue", "ExtractorQueues"]

# How long an extractor that does not work waits at most before it is tried again.
LONGEST_WAIT = 600.0


@dataclass
class ExtractorQueue:
    """An extractor in use, and the photos that lack its embedding.

    Parameters
    ----------
    extractor, space
        Its name, and the id of its space.
    reader
        Reads with it.
    files
        Known photos that it has still to embed, by path.
    filled_at
        The version of the library at which ``files`` was filled last.
    """

    extractor: str
    space: str
    reader: Reader
    files: dict[str, Found] = field(default_factory=dict)
    filled_at: Hashable = None


class ExtractorQueues:
    """The queues of the extractors in use; the first one reads what is new.

    One thread changes it, any thread may look.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Gives what embeds photos with an extractor, by its name.
    make_reader
        Makes what reads with an extraction into a space.
    report
        Called with the error of an extractor that is set aside, once for each new error.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        make_reader: Callable[[Extraction, str], Reader],
        report: Callable[[str], None],
    ) -> None:
        self._store = store
        self._extraction = extraction
        self._make_reader = make_reader
        self._report = report
        self._queues: list[ExtractorQueue] = []
        self._derivers: list[Deriver] = []  # What one derives from comes before it.
        self._failures: dict[str, Failure] = {}

    def __iter__(self) -> Iterator[ExtractorQueue]:
        return iter(self._queues)

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def first(self) -> ExtractorQueue:
        """The queue of the extractor that reads what is new."""
        return self._queues[0]

    @property
    def spaces(self) -> list[str]:
        """The ids of the spaces, the one of what reads new photos first."""
        return [one.space for one in self._all]

    @property
    def deriver(self) -> Deriver | None:
        """The first that has something to compute, if any has."""
        return next((deriver for deriver in self._derivers if deriver.has_work), None)

    def embedded(self, paths: Iterable[str]) -> None:
        """Take note of photos that an extractor has embedded: others are derived from that."""
        paths = [*paths]
        for deriver in self._derivers:
            deriver.note(paths)

    def derived(self, deriver: Deriver, contents: Sequence[str]) -> None:
        """Take note of contents that a derived extractor has embedded."""
        self.works(deriver)
        for other in self._derivers:
            if deriver.space in other.bases:
                other.note_contents(contents)

    def look_through(self) -> None:
        """Have all photos looked through for what is to be derived."""
        for deriver in self._derivers:
            deriver.look_through()

    @property
    def problems(self) -> list[str]:
        """A line for each extractor in use that does not work."""
        working = self._working
        return [one.reason for name, one in [*self._failures.items()] if name not in working]

    @property
    def wait(self) -> float | None:
        """Seconds until one that does not work is tried again; None where all work."""
        working = self._working
        waits = [one.wait for name, one in [*self._failures.items()] if name not in working]
        return min(waits, default=None)

    def retry_now(self) -> None:
        """Have those that do not work tried again at once."""
        for failure in [*self._failures.values()]:
            failure.retry_now()

    def open(
        self, extractors: Sequence[str], *, again: bool, together: Mapping[str, float]
    ) -> None:
        """Start the extractors in use, with the bases of derived ones, and open their spaces.

        Parameters
        ----------
        extractors
            Their names, the one that reads what is new first.
        together
            The weights of those that compare together: with several, there is a space of them all.
        again
            Whether to start those again that work.

        Raises
        ------
        ExtractorError
            None of them works.
        """
        if again:
            self._failures.clear()
        working = {} if again else {one.extractor: one for one in self._all}
        queues: dict[str, ExtractorQueue] = {}
        derivers: dict[str, Deriver] = {}
        failed: dict[str, ExtractorError] = {}

        def open_one(name: str) -> ExtractorQueue | Deriver:
            opened = {**working, **queues, **derivers}
            one = opened.get(name) or self._open(name)
            if isinstance(one, ExtractorQueue):
                queues[name] = one
                return one
            bases = [open_one(base).space for base in one.derives_from]
            if one.bases and one.bases != bases:
                one = cast("Deriver", self._open(name))  # There is another version of a base.
            one.bases = bases
            derivers[name] = one
            return one

        for name in extractors:
            try:
                open_one(name)
            except ExtractorError as error:
                failed[name] = error
        if not queues:
            raise next(iter(failed.values()))
        for name, reason in failed.items():
            self._note_failure(name, reason)
        self._queues = [*queues.values()]
        self._derivers = [*derivers.values()]
        self._fuse(together)

    def set_aside(self, one: ExtractorQueue | Deriver, error: ExtractorError) -> None:
        """Go on without an extractor that does not work.

        Raises
        ------
        ExtractorError
            There is no other.
        """
        if [one] == self._queues:
            raise error
        self._note_failure(one.extractor, error)
        self._queues = [queue for queue in self._queues if queue is not one]
        self._derivers = [deriver for deriver in self._derivers if deriver is not one]

    def works(self, one: ExtractorQueue | Deriver) -> None:
        """Take note that an extractor has embedded something."""
        self._failures.pop(one.extractor, None)

    @property
    def _all(self) -> list[ExtractorQueue | Deriver]:
        return [*self._queues, *self._derivers]

    @property
    def _working(self) -> set[str]:
        return {one.extractor for one in self._all}

    def _open(self, name: str) -> ExtractorQueue | Deriver:
        extraction = self._extraction(name)
        plugin = extraction.info()
        space = self._store.open_space(
            plugin.name, plugin.version, plugin.dimension, plugin.build
        ).id
        if not plugin.derives_from:
            return ExtractorQueue(name, space, self._make_reader(extraction, space))
        bases = [base.partition("@")[0] for base in plugin.derives_from]
        compute = cast("DerivableExtraction", extraction).embed_embeddings
        return Deriver(self._store, name, space, bases, compute)

    def _fuse(self, together: Mapping[str, float]) -> None:
        """Derive the space of the extractors that compare together, where there are several."""
        spaces = {space.id: space for space in self._store.spaces()}
        weights = {
            spaces[one.space]: together[one.extractor]
            for one in self._all
            if one.extractor in together
        }
        if len(weights) < max(len(together), 2):
            return
        parts, fused = fused_parts(weights), fused_space(weights)
        space = self._store.open_space(fused.extractor, fused.version, fused.dimension).id
        names = [part.extractor for part in parts]
        compute = partial(fuse_embeddings, weights=[*parts.values()])
        deriver = Deriver(self._store, fused.extractor, space, names, compute)
        deriver.bases = [part.id for part in parts]
        self._derivers.append(deriver)

    def _note_failure(self, name: str, error: ExtractorError) -> None:
        before = self._failures.get(name)
        if before is None or before.reason != str(error):
            self._report(str(error))
        self._failures[name] = Failure.after(before, str(error), LONGEST_WAIT)
