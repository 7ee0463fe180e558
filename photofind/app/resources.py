"""What one `PhotoFind` keeps open: the library, its readers, and worker processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from photofind.app.extraction_pool import ExtractionPool
from photofind.extractors.fleets import FleetInUse
from photofind.paths import Home
from photofind.settings import Settings, SettingsFile, read_settings

if TYPE_CHECKING:
    from photofind.app.probes import Probes
    from photofind.app.thumbnails import Thumbnails
    from photofind.extractors.extraction import Extraction
    from photofind.extractors.info import ExtractorInfo
    from photofind.images.limits import Limits
    from photofind.learning.feedback.metric_files import MetricFiles
    from photofind.library.extractor_memory import ExtractorMemory
    from photofind.library.store import Store
    from photofind.search.known import KnownPictures
    from photofind.search.searcher import Searcher
    from photofind.search.verification import Verification
    from photofind.system.reach import Reach
    from photofind.system.trash import TrashHistory
    from photofind.words.places import PlaceFinder
    from photofind.words.text_index import TextIndex
    from photofind.workers import Worker

__all__ = ["Resources"]


class Resources:
    """Opens each thing when it is first needed, and closes all of them.

    Threads may share it.

    Parameters
    ----------
    home
        Where the library is.
    resident
        Whether this process will answer many queries: the library is then opened for writing once,
        and a graph may be loaded in the background.
    """

    def __init__(self, home: Home, *, resident: bool) -> None:
        self.home = home
        self.resident = resident
        self.fleet = FleetInUse()
        """Reads photos of the folders in place of this machine, for as long as it is in use."""
        self.extraction = ExtractionPool(
            lambda extractor: self.new_extraction(
                extractor, low_priority=not resident, bases=self.extraction
            )
        )
        """Embeds photos, in a worker process for each extractor: those of queries, if resident."""

    def close(self) -> None:
        """Close the library and end all child processes."""
        self.reach.close()
        if (learning := self.__dict__.pop("learning", None)) is not None:
            learning.stop()
        self._close_readers()
        if (text_index := self.__dict__.pop("text_index", None)) is not None:
            text_index.close()
        if "library" in self.__dict__:
            self.library.close()
            del self.__dict__["library"]

    def forget_settings(self) -> None:
        """Have the settings read again, and end what works by the old ones."""
        self.read_settings_again()
        self._close_readers()

    def read_settings_again(self) -> None:
        """Have the settings read again; what works goes on."""
        self.__dict__.pop("settings_file", None)

    def _close_readers(self) -> None:
        """Close everything except the library."""
        self.extraction.close()
        self.__dict__.pop("searcher", None)
        self.__dict__.pop("known_pictures", None)
        if (verification := self.__dict__.pop("verification", None)) is not None:
            verification.close()
        if (thumbnails := self.__dict__.pop("thumbnails", None)) is not None:
            thumbnails.close()
        if (places := self.__dict__.pop("places", None)) is not None:
            places.close()

    @cached_property
    def reach(self) -> Reach:
        """Touches files of the user."""
        from photofind.system.reach import Reach

        return Reach(lambda: [folder.path for folder in self.library.folders()])

    @cached_property
    def probes(self) -> Probes[tuple[str, str | None], ExtractorInfo | str]:
        """Tries extractors, by their names and what differs once their code does."""
        from photofind.app.probes import Probes

        # A process that stays shows later what came of one that takes long.
        return Probes(5.0 if self.resident else 20.0)

    @cached_property
    def learning(self) -> Worker:
        """Evaluates and trains."""
        from photofind.app.learning_worker import learning_worker

        return learning_worker(self.home)

    @cached_property
    def extractor_memory(self) -> ExtractorMemory:
        """What is remembered of extractors."""
        from photofind.library.extractor_memory import ExtractorMemory

        return ExtractorMemory(self.home, writable=self.resident)

    @property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for."""
        return self.settings_file.settings

    @cached_property
    def settings_file(self) -> SettingsFile:
        """The settings, and what cannot be used in their file."""
        return read_settings(self.home.settings)

    @cached_property
    def library(self) -> Store:
        """The library; only a resident process may write to it."""
        from photofind.library.stores import open_store

        return open_store(self.home, self.settings, writable=self.resident, resident=self.resident)

    @property
    def may_rerank(self) -> bool:
        """Whether anything was judged or learned, ever."""
        return bool(self.library.judgements()) or self.home.metrics.exists()

    @cached_property
    def metric_files(self) -> MetricFiles:
        """What was learned from judgements."""
        from photofind.learning.feedback.metric_files import MetricFiles

        return MetricFiles(self.home)

    def writing(self) -> AbstractContextManager[Store]:
        """Open the library for writing: for the length of a block, unless it is open for good.

        Raises
        ------
        LockedError
            Another process is writing to it.
        """
        from photofind.library.stores import open_store

        if self.resident:
            return nullcontext(self.library)
        return open_store(self.home, self.settings, writable=True)

    @cached_property
    def searcher(self) -> Searcher:
        """Answers queries."""
        from photofind.search.searcher import Searcher
        from photofind.search.written import most_written
        from photofind.words.written import candidates

        def written(store: Store, words: str) -> list[int]:
            indexed = candidates(self.text_index, store, words)
            return most_written(store, words) if indexed is None else indexed

        return Searcher(
            self.library,
            self.home,
            self.settings.extractor,
            self.extraction,
            self.reach,
            self.verification,
            memory=self.extractor_memory,
            retired=self.extraction.retired,
            written=written,
        )

    @cached_property
    def text_index(self) -> TextIndex:
        """Finds photos by words."""
        from photofind.words.text_index import TextIndex

        def names(coordinates: Sequence[tuple[float, float]]) -> list[tuple[str, ...]]:
            return [place.names() if place else () for place in self.places.find(coordinates)]

        return TextIndex(self.home.words, names)

    @cached_property
    def verification(self) -> Verification:
        """Compares photos on their pixels."""
        from photofind.search.verification import Verification

        settings = self.settings
        return Verification(
            self.home.cache,
            limits=self.limits,
            seconds=settings.max_seconds,
            idle_seconds=settings.idle_minutes * 60,
            log=self.home.logs / "comparison.log",
            turn=self.home.turn,
            reach=self.reach,
        )

    @cached_property
    def known_pictures(self) -> KnownPictures:
        """Tells which photos from outside the library it has already."""
        from photofind.search.known import KnownPictures

        return KnownPictures(self.library, self.verification, self.reach, self.limits)

    @cached_property
    def places(self) -> PlaceFinder:
        """Knows the names of places."""
        from photofind.words.places import PlaceFinder

        return PlaceFinder(log=self.home.logs / "places.log")

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """Makes thumbnails, and keeps them."""
        from photofind.app.thumbnails import Thumbnails

        settings = self.settings
        return Thumbnails(
            self.home.cache / "thumbnails",
            limits=self.limits,
            seconds=settings.max_seconds,
            idle_seconds=settings.idle_minutes * 60,
            log=self.home.logs / "thumbnails.log",
            turn=self.home.turn,
            waits=not self.resident,
            reach=self.reach,
        )

    @cached_property
    def trash(self) -> TrashHistory:
        """Remembers what was moved to the trash."""
        from photofind.system.trash import TrashHistory

        return TrashHistory(self.home.trashed)

    def new_extraction(
        self,
        extractor: str,
        *,
        low_priority: bool,
        bases: Callable[[str], Extraction] | None = None,
    ) -> Extraction:
        """Return what embeds photos with an extractor in another worker; the caller closes it.

        Parameters
        ----------
        extractor
            Its name.
        low_priority
            Whether its worker gives way to other processes.
        bases
            Gives what embeds photos with the bases of a derived extractor; workers of its own do
            where not given.
        """
        from photofind.extractors.derived import DerivableExtraction

        settings = self.settings
        return DerivableExtraction(
            extractor,
            bases=bases,
            threads=settings.threads,
            limits=self.limits,
            seconds=settings.max_seconds,
            idle_seconds=settings.idle_minutes * 60,
            low_priority=low_priority,
            log=self.home.logs / ("extraction.log" if low_priority else "query-extraction.log"),
            megabytes=settings.worker_megabytes,
            home=self.home,
            reach=self.reach,
            views=settings.views,
            # Query photos do not wait for a fleet.
            fleet=self.fleet if low_priority else None,
        )

    @property
    def processes(self) -> list[tuple[str, int]]:
        """The worker processes that run: what each is for, and its process id."""
        running = [(f"queries with {name}", pid) for name, pid in self.extraction.processes.items()]
        if "thumbnails" in self.__dict__:
            running += [("thumbnails", pid) for pid in self.thumbnails.pids]
        if "verification" in self.__dict__ and (pid := self.verification.pid):
            running.append(("comparison", pid))
        if "places" in self.__dict__ and (pid := self.places.pid):
            running.append(("places", pid))
        if "library" in self.__dict__:
            running += self.library.processes.items()
        return running

    @property
    def limits(self) -> Limits:
        """The largest photo that is read."""
        from photofind.images.limits import Limits

        settings = self.settings
        return Limits(
            pixels=int(settings.max_megapixels * 1e6),
            bytes=int(settings.max_megabytes * 1e6),
            memory=int(settings.worker_megabytes * 1e6),
            seconds=settings.max_seconds,
        )
