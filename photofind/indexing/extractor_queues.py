"""The extractors in use: each with its space and a queue of the photos that it has still to embed.

Each is loaded in a thread of its own. One that takes long, or does not work, keeps no other
waiting: it is set aside with its reason, the others go on without it, and it is tried again later.
A derived extractor has no queue: its space follows those of its bases, which are in use with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, cast

from photofind.errors import ExtractorError, PhotofindError, WorkerStoppedError
from photofind.extractors.code_files import Code
from photofind.indexing.agreement import agrees
from photofind.indexing.deriving import Deriver
from photofind.indexing.filling import Filling
from photofind.indexing.reading import Reader
from photofind.indexing.retrying import Failure
from photofind.indexing.scan import Found
from photofind.library.made_by import new_version, space_made_by
from photofind.library.store import Store
from photofind.model.fused import fused_parts, fused_space
from photofind.ranking.fusion import fuse_embeddings

if TYPE_CHECKING:
    from photofind.extractors.derived import DerivableExtraction
    from photofind.extractors.extraction import Extraction
    from photofind.extractors.info import ExtractorInfo
    from photofind.library.extractor_memory import ExtractorMemory

__all__ = ["ExtractorQueue", "ExtractorQueues"]

# How long an extractor that does not work waits at most before it is tried again.
LONGEST_WAIT = 600.0
# How long the others wait for one that is loaded, where one of them works.
PATIENCE = 10.0
_LOOK = 0.2


@dataclass
class ExtractorQueue:
    """An extractor in use, and the photos that lack its embedding.

    Parameters
    ----------
    extractor, space
        Its name, and the id of its space.
    reader
        Reads with it.
    code
        Its code, as it was when it was loaded.
    files
        Known photos that it has still to embed, by path.
    filling
        How far photos were taken into ``files``.
    yielded
        Whether it made no progress with what was new, and others read that.
    """

    extractor: str
    space: str
    reader: Reader
    code: Code = field(default_factory=Code)
    files: dict[str, Found] = field(default_factory=dict)
    filling: Filling = field(default_factory=Filling)
    yielded: bool = False


@dataclass(frozen=True)
class _Loaded:
    """An extractor that was loaded, and the version of its space; None where that is to be made."""

    extraction: Extraction
    info: ExtractorInfo
    version: str | None

    @property
    def bases(self) -> list[str]:
        """The names of its bases; none where it reads photos."""
        return [base.partition("@")[0] for base in self.info.derives_from]


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
        Makes what reads with an extraction into a space, given the identity of the extractor.
    report
        Called with the error of an extractor that is set aside, once for each new error.
    wake
        Called, in another thread, when an extractor was loaded that was not waited for.
    go_on
        Whether those that are loaded are still waited for.
    memory
        Where the space of each extractor is noted.
    """

    def __init__(
        self,
        store: Store,
        extraction: Callable[[str], Extraction],
        make_reader: Callable[[Extraction, str, str], Reader],
        report: Callable[[str], None],
        wake: Callable[[], None] = lambda: None,
        go_on: Callable[[], bool] = lambda: True,
        memory: ExtractorMemory | None = None,
    ) -> None:
        self._store = store
        self._extraction = extraction
        self._make_reader = make_reader
        self._report = report
        self._wake = wake
        self._go_on = go_on
        self._memory = memory
        self._wanted: tuple[str, ...] = ()
        self._queues: list[ExtractorQueue] = []
        self._together: Mapping[str, float] = {}
        self._loading: dict[str, Future[_Loaded]] = {}
        self._heads: dict[str, _Loaded] = {}  # Derived extractors whose bases are not there yet.
        self._derivers: list[Deriver] = []
        self._fused: Deriver | None = None
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
        derived = [deriver.space for deriver in self._following]
        return [*(queue.space for queue in self._queues), *derived]

    @property
    def code(self) -> dict[str, Code]:
        """The code of each extractor that is there, as it was when it was loaded."""
        return {one.extractor: one.code for one in self._there}

    @property
    def deriver(self) -> Deriver | None:
        """The first that has something to compute, if any has."""
        return next((deriver for deriver in self._following if deriver.has_work), None)

    def embedded(self, paths: Iterable[str]) -> None:
        """Take note of photos that an extractor has embedded: others are derived from that."""
        paths = [*paths]
        for deriver in self._following:
            deriver.note(paths)

    def derived(self, deriver: Deriver, contents: Sequence[str]) -> None:
        """Take note of contents that a derived extractor has embedded."""
        self.works(deriver)
        for other in self._following:
            if deriver.space in other.bases:
                other.note_contents(contents)

    def look_through(self) -> None:
        """Have all photos looked through for what is to be derived."""
        for deriver in self._following:
            deriver.look_through()

    @property
    def loading(self) -> list[str]:
        """The extractors that are being loaded."""
        return [*self._loading]

    @property
    def problems(self) -> list[str]:
        """A line for each extractor in use that does not work, or has not shown that it does."""
        working = {
            queue.extractor
            for queue in self._queues
            if not self._store.space_counts(queue.space).lacking
        }
        working |= {deriver.extractor for deriver in self._following if not deriver.has_work}
        return [one.reason for name, one in [*self._failures.items()] if name not in working]

    @property
    def wait(self) -> float | None:
        """Seconds until one that does not work is tried again; None where there is none."""
        there = self._there_or_coming
        waits = [one.wait for name, one in [*self._failures.items()] if name not in there]
        return min(waits, default=None)

    def retry_now(self) -> None:
        """Have those that do not work tried again at once."""
        for failure in [*self._failures.values()]:
            failure.retry_now()

    def open(
        self, extractors: Sequence[str], *, again: bool, together: Mapping[str, float]
    ) -> None:
        """Load the extractors in use, with the bases of derived ones, and open their spaces.

        Returns when the first one is loaded, or another is and the first one takes long. The others
        come when they are: see :meth:`look`.

        Parameters
        ----------
        extractors
            Their names, the one that reads what is new first.
        together
            The weights of those that compare together: with several, there is a space of them all.
        again
            Whether to load those again that work.

        Raises
        ------
        ExtractorError
            None of them works.
        """
        self._wanted = tuple(extractors)
        self._together = together
        if again:
            self._failures.clear()
            self._queues, self._derivers, self._fused = [], [], None
            self._heads.clear()
            self._loading.clear()  # What they load is not asked for any more.
        self._want_bases()
        self._queues = [queue for queue in self._queues if queue.extractor in self._wanted]
        name = self._wanted[0]
        is_awaited = name not in self._failures  # One that did not work before is not waited for.
        self._start()
        if not self._queues and not self._loading:
            self.retry_now()
            self._start()
        first = self._loading.get(name) if is_awaited else None
        ends = time.monotonic() + PATIENCE
        failed: dict[str, PhotofindError] = {}
        while self._loading and not self._queues:
            self._wait(self._loading.values())
            failed |= self._take_loaded()
        while first is not None and not first.done() and time.monotonic() < ends:
            self._wait([first])
        failed |= self._take_loaded()
        if not self._queues:
            if not failed:  # A base of a derived extractor failed before.
                raise ExtractorError(self.problems[0])
            raise min(failed.items(), key=lambda one: self._wanted.index(one[0]))[1]
        for name, error in failed.items():
            self._note_failure(name, error)

    def look(self) -> bool:
        """Take in what was loaded since, and load again what is due; return whether any changed."""
        before = self._there
        for name, error in self._take_loaded().items():
            self._note_failure(name, error)
        return self._there != before

    def retry(self) -> None:
        """Load those again that did not work and are due."""
        self._start()

    def wait_for_loading(self) -> bool:
        """Wait until one that is being loaded has been; return whether there was any."""
        loading = [*self._loading.values()]
        while loading and not any(one.done() for one in loading):
            self._wait(loading)
        return bool(loading)

    @property
    def lacks_any(self) -> bool:
        """Whether one that was never loaded, or was closed, is neither there nor being loaded."""
        there = self._there_or_coming
        return any(name not in there | self._failures.keys() for name in self._wanted)

    def set_aside(self, one: ExtractorQueue | Deriver, error: ExtractorError) -> None:
        """Go on without an extractor that does not work.

        Raises
        ------
        ExtractorError
            There is no other, and none is being loaded.
        """
        if [one] == self._queues and not self._loading:
            raise error
        self._note_failure(one.extractor, error)
        self._queues = [queue for queue in self._queues if queue is not one]
        self._derivers = [deriver for deriver in self._derivers if deriver is not one]

    def yield_first(self, queue: ExtractorQueue) -> None:
        """Have another extractor read what is new, from now on."""
        queue.yielded = True
        self._queues = [*(one for one in self._queues if one is not queue), queue]

    def has_other(self, queue: ExtractorQueue) -> bool:
        """Return whether there is another extractor to read what is new, that did not yield.

        One counts too that was loaded meanwhile: it is taken in once this one gives way.
        """
        if any(one is not queue and not one.yielded for one in self._queues):
            return True
        loaded = (one for one in [*self._loading.values()] if one.done() and not one.exception())
        return any(not one.result().bases for one in loaded)

    def close(self, extractor: str) -> None:
        """Forget an extractor that is not as it was when it was loaded; it is loaded again.

        So are those that derive from it.
        """
        for deriver in self._derivers:
            if extractor in deriver.derives_from:
                self.close(deriver.extractor)
        self._queues = [one for one in self._queues if one.extractor != extractor]
        self._derivers = [one for one in self._derivers if one.extractor != extractor]
        self._heads.pop(extractor, None)
        self._loading.pop(extractor, None)
        self._failures.pop(extractor, None)

    def works(self, one: ExtractorQueue | Deriver) -> None:
        """Take note that an extractor has embedded something."""
        self._failures.pop(one.extractor, None)

    @property
    def _there(self) -> list[ExtractorQueue | Deriver]:
        return [*self._queues, *self._derivers]

    @property
    def _there_or_coming(self) -> set[str]:
        """The names of the extractors that are there, or wait for nothing but to be loaded."""
        return {one.extractor for one in self._there} | self._loading.keys() | self._heads.keys()

    @property
    def _following(self) -> list[Deriver]:
        """What computes embeddings from others; what one derives from comes before it."""
        return [*self._derivers, *([self._fused] if self._fused else [])]

    def _wait(self, loading: Iterable[Future[_Loaded]]) -> None:
        """Wait a moment for one of those to be loaded.

        Raises
        ------
        WorkerStoppedError
            They are not waited for any more.
        """
        if not self._go_on():
            raise WorkerStoppedError("the extractors are not waited for any more")
        wait([*loading], timeout=_LOOK, return_when=FIRST_COMPLETED)

    def _start(self) -> None:
        """Begin to load what is wanted and neither there nor to be waited with."""
        there = self._there_or_coming
        for name in self._wanted:
            failure = self._failures.get(name)
            if name not in there and (failure is None or not failure.wait):
                self._loading[name] = self._load(name)

    def _load(self, name: str) -> Future[_Loaded]:
        loaded: Future[_Loaded] = Future()

        def load() -> None:
            try:
                extraction = self._extraction(name)
                info = extraction.info()
                loaded.set_result(_Loaded(extraction, info, self._version(extraction, info)))
            except BaseException as error:  # noqa: BLE001 - raised where it is taken in
                loaded.set_exception(error)
            self._wake()

        threading.Thread(target=load, name=f"loading {name}", daemon=True).start()
        return loaded

    def _version(self, extraction: Extraction, info: ExtractorInfo) -> str | None:
        """Return the version of the space that an extractor fills; None for a new one."""
        current = self._memory.current(info.name) if self._memory else None
        space = space_made_by(self._store, info, current)
        if space is None:
            return None
        if space.build == info.build or agrees(self._store, space, extraction):
            return space.version
        return None

    def _take_loaded(self) -> dict[str, PhotofindError]:
        """Take in what has been loaded; return what failed."""
        failed: dict[str, PhotofindError] = {}
        for name, future in [*self._loading.items()]:
            if not future.done():
                continue
            del self._loading[name]
            try:
                loaded = future.result()
                if loaded.bases:
                    self._heads[name] = loaded
                    self._want_bases()
                    self._start()
                else:
                    self._open_queue(name, loaded)
            except WorkerStoppedError:
                raise
            except PhotofindError as error:
                failed[name] = error
        failed |= self._open_derived()
        self._fuse()
        return failed

    def _open_queue(self, name: str, loaded: _Loaded) -> None:
        """Open the space of an extractor that reads photos."""
        space = self._open_space(name, loaded)
        reader = self._make_reader(loaded.extraction, space, loaded.info.identity)
        queues = [*self._queues, ExtractorQueue(name, space, reader, loaded.info.loaded_code)]
        self._queues = sorted(
            queues, key=lambda one: (one.yielded, self._wanted.index(one.extractor))
        )

    def _open_space(self, name: str, loaded: _Loaded) -> str:
        info = loaded.info
        version = new_version(self._store, info) if loaded.version is None else loaded.version
        space = self._store.open_space(info.name, version, info.dimension, info.build).id
        if self._memory is not None:
            self._memory.note_current(name, space)
            self._memory.note_texts(space, embeds="embed_text" in info.abilities)
        return space

    # Derived extractors.

    def _want_bases(self) -> None:
        """Have the bases of derived extractors in use too, each before what derives from it."""
        bases = {name: loaded.bases for name, loaded in self._heads.items()}
        bases |= {one.extractor: [*one.derives_from] for one in self._derivers}
        every = ([*bases.get(name, ()), name] for name in self._wanted)
        wanted = tuple(dict.fromkeys(chain.from_iterable(every)))
        for name in wanted:
            # They were loaded with what derives from them, so they work.
            if name not in self._wanted and name in self._failures:
                self._failures[name].retry_now()
        self._wanted = wanted
        self._derivers = [one for one in self._derivers if one.extractor in wanted]
        self._heads = {name: one for name, one in self._heads.items() if name in wanted}

    def _open_derived(self) -> dict[str, PhotofindError]:
        """Open the spaces of derived extractors whose bases are there; return what failed."""
        spaces = {queue.extractor: queue.space for queue in self._queues}
        for deriver in self._derivers:
            now = zip(deriver.derives_from, deriver.bases, strict=True)
            if any(spaces.get(base, space) != space for base, space in now):
                self.close(deriver.extractor)  # There is another version of a base.
        failed: dict[str, PhotofindError] = {}
        for name, loaded in [*self._heads.items()]:
            if not spaces.keys() >= {*loaded.bases}:
                continue
            del self._heads[name]
            try:
                space = self._open_space(name, loaded)
            except PhotofindError as error:
                failed[name] = error
                continue
            compute = cast("DerivableExtraction", loaded.extraction).embed_embeddings
            code = loaded.info.loaded_code
            deriver = Deriver(self._store, name, space, loaded.bases, compute, code)
            deriver.bases = [spaces[base] for base in loaded.bases]
            self._derivers = [*self._derivers, deriver]
        return failed

    def _fuse(self) -> None:
        """Derive the space of the extractors that compare together, where there are several."""
        spaces = {space.id: space for space in self._store.spaces()}
        weights = {
            spaces[one.space]: self._together[one.extractor]
            for one in self._there
            if one.extractor in self._together
        }
        if len(weights) < max(len(self._together), 2):
            self._fused = None
            return
        parts, fused = fused_parts(weights), fused_space(weights)
        bases = [part.id for part in parts]
        if self._fused and (self._fused.extractor, self._fused.bases) == (fused.extractor, bases):
            return
        space = self._store.open_space(fused.extractor, fused.version, fused.dimension).id
        names = [part.extractor for part in parts]
        compute = partial(fuse_embeddings, weights=[*parts.values()])
        self._fused = Deriver(self._store, fused.extractor, space, names, compute)
        self._fused.bases = bases

    def _note_failure(self, name: str, error: PhotofindError) -> None:
        before = self._failures.get(name)
        if before is None or before.reason != str(error):
            self._report(str(error))
        self._failures[name] = Failure.after(before, str(error), LONGEST_WAIT)
