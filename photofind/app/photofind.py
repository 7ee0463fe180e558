"""`PhotoFind`: everything that photofind can be asked, in one object.

Interfaces talk to this object alone, so that they need not know whether it works in their own
process or asks the daemon.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from photofind.errors import DesktopError, ExtractorError, ImageError, LibraryError, WorkerError
from photofind.model import (
    Answer,
    Check,
    DuplicateGroup,
    Event,
    ExtractorStatus,
    Failure,
    FolderStatus,
    Overview,
    PhotoDetails,
    Progress,
    Query,
    Report,
    SearchStatus,
    Status,
    Tag,
    TagCount,
    Trashing,
    Untrashing,
)
from photofind.paths import Home, is_below
from photofind.settings import (
    Setting,
    Settings,
    list_settings,
    load_settings,
    reset_setting,
    set_setting,
)

if TYPE_CHECKING:
    from photofind.app.thumbnails import Thumbnails
    from photofind.extractors.extraction import Extraction, ExtractorInfo
    from photofind.extractors.registry import Plugin
    from photofind.images.limits import Limits
    from photofind.library.embedded.catalog import Folder, Photo
    from photofind.library.embedded.library import Library
    from photofind.search.browsing import Timeline
    from photofind.search.searcher import Searcher
    from photofind.system.trash import TrashHistory

__all__ = ["PhotoFind", "chosen_folders"]

# A plugin may bring half a gigabyte of libraries into its process.
TRIED_AT_ONCE = 3


class PhotoFind:
    """The library of one home, and all that can be done with it.

    Opens what it needs when it is needed. Answering takes no lock; changing the library takes the
    one lock for as long as the change takes.

    Parameters
    ----------
    home
        Where the library is; this user's own where not given.
    resident
        Whether this object will answer many queries, so that loading a graph in the background is
        worth it.

    Notes
    -----
    Threads may share a resident one.
    """

    def __init__(self, home: Home | None = None, *, resident: bool = False) -> None:
        self.home = home or Home.default()
        self._resident = resident
        self._opening = RLock()  # Held to look at, and to change, what is open.
        self._extractions: dict[str, Extraction] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the library and end all child processes."""
        with self._opening:
            for extraction in self._extractions.values():
                extraction.close()
            self._extractions.clear()
        if "_thumbnails" in self.__dict__:
            self._thumbnails.close()
            del self.__dict__["_thumbnails"]
        if "_searcher" in self.__dict__:
            self._searcher.close()
            del self.__dict__["_searcher"]
        if "_library" in self.__dict__:
            self._library.close()
            del self.__dict__["_library"]

    @cached_property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for.

        Raises
        ------
        SettingsError
            Where the file cannot be used.
        """
        return load_settings(self.home.settings)

    @property
    def problems(self) -> list[str]:
        """What was found damaged so far and is not repaired, one line each."""
        return self._library.warnings

    # Folders.

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        self._library.refresh()
        return [
            FolderStatus(
                folder.path,
                self._library.count(folder.path),
                folder.state,
                folder.reason,
                folder.scanned,
                folder.excludes,
            )
            for folder in self._library.folders()
        ]

    def covers(self, folder: str) -> bool:
        """Return whether ``folder`` is a folder of the library or lies in one."""
        self._library.refresh()
        return any(is_below(folder, known.path) for known in self._library.folders())

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there.

        Raises
        ------
        LibraryError
            Where there is no such folder, or it is photofind's own.
        SettingsError
            Where what is excluded is no rule.
        """
        from photofind.indexing.excludes import Rules
        from photofind.library.embedded.catalog import Folder

        if not Path(folder).is_dir():
            raise LibraryError(f"{folder} is not a folder", "name a folder that exists")
        if is_below(folder, str(self.home.root)):
            raise LibraryError(f"{folder} is photofind's own", "name a folder with photos")
        Rules(excludes)  # Says what is wrong with them, where something is.
        with self._writing() as library:
            known = {one.path: one for one in library.folders()}
            entry = known.get(folder) or Folder(folder, added=time.time())
            library.put_folder(replace(entry, excludes=tuple(excludes)))

    def remove_folder(self, folder: str) -> int:
        """Take a folder out of the library with all that is known of its photos; return how many.

        Photos that lie in another folder of the library too stay.

        Raises
        ------
        LibraryError
            Where the folder is not in the library.
        """
        with self._writing() as library:
            others = [one.path for one in library.folders() if one.path != folder]
            if len(others) == len(library.folders()):
                raise LibraryError(
                    f"{folder} is not a folder of the library", "`photofind folders` lists them"
                )
            gone = [
                photo
                for photo in library.photos(folder)
                if not any(is_below(photo.path, other) for other in others)
            ]
            library.remove(gone)
            library.remove_folder(folder)
        return len(gone)

    # The library and its photos.

    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Bring the library up to date with its folders; only what is new or changed is read.

        Parameters
        ----------
        folders
            Folders of the library, or folders in them; all where not given.
        accept_removals
            Believe that photos are gone, even all photos of a folder at once.
        retry_failed
            Read photos again that could not be read before, though they have not changed.
        wait
            Build the graph, where one is wanted, before page_keys, not in the background.
        progress
            Called with how far it is, about ten times a second.

        Raises
        ------
        LibraryError
            Where there is no folder, another photofind is indexing, or the disk refuses.
        ExtractorError
            Where the extractor does not work.
        """
        from photofind.extractors.registry import extractors_in_use
        from photofind.indexing.background import build, build_in_background
        from photofind.indexing.pipeline import describe, index
        from photofind.indexing.upkeep import (
            builder,
            keep_index,
            retire_outdated,
            wants_graph,
        )

        def say(phase: str) -> None:
            progress(Progress(phase, 0))

        with self._writing() as library:
            chosen = chosen_folders(library, folders)
            library.verify()
            if retry_failed:
                for folder in chosen:
                    library.forget_refusals(folder=folder.path)
            report: Report | None = None
            failed: list[ExtractorError] = []
            spaces, notes = [], [*library.warnings]
            for name in extractors_in_use(self.settings):
                say("starting the extractor")
                try:
                    space = self._open_space(library, name)
                    spaces.append(space)
                    if report is None:
                        report = index(
                            library,
                            self._extraction(name),
                            space,
                            chosen,
                            excludes=self.settings.exclude,
                            accept_removals=accept_removals,
                            retry_failed=retry_failed,
                            progress=progress,
                        )
                    else:
                        notes += describe(
                            library, self._extraction(name), name, space, progress=progress
                        )
                except ExtractorError as error:  # The others go on without it.
                    failed.append(error)
            if report is None:
                raise failed[0]
            notes += map(str, failed)
            for space in spaces:
                retire_outdated(library, space)
            library.reclaim()
            with builder(self.home) as worker:
                for space in spaces:
                    notes += keep_index(library, space, worker, say)
            graph_is_wanted = any(wants_graph(library, space) for space in spaces)
        if graph_is_wanted and wait:
            say("building the graph")
            notes += build(self.home)
        elif graph_is_wanted:
            build_in_background(self.home)
        return replace(report, notes=tuple(notes))

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query.

        Raises
        ------
        ImageError
            Where a photo of the query cannot be read.
        LibraryError
            Where nothing is indexed yet, or no photo has one of the tags.
        """
        settings = self.settings
        limit = settings.hits if query.limit is None else query.limit
        min_score = settings.min_score if query.min_score is None else query.min_score
        answer = self._searcher.similar(replace(query, limit=limit, min_score=min_score))
        if query.tags and not answer.hits:
            self._timeline.check_tags(query.tags)
        return answer

    def duplicates(self) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        return self._searcher.duplicates()

    def failures(self) -> list[Failure]:
        """Return the photos that could not be indexed, with their reasons, by path.

        Also those that one extractor could not describe, though others may have.
        """
        self._library.refresh()
        failures = [
            Failure(photo.path, photo.failure)
            for photo in self._library.failures()
            if photo.failure is not None and not photo.refusals
        ]
        extractors = {space.id: space.extractor for space in self._library.spaces()}
        failures += [
            Failure(photo.path, reason, extractors.get(space, space))
            for photo in self._library.refusals()
            for space, reason in photo.refusals.items()
        ]
        return sorted(failures, key=lambda failure: (failure.path, failure.extractor or ""))

    def extractors(self) -> list[ExtractorStatus]:
        """Return the extractors that are installed, each tried in a process of its own.

        One that works is not tried again before something has changed.
        """
        from concurrent.futures import ThreadPoolExecutor

        from photofind.extractors.extraction import ExtractorInfo
        from photofind.extractors.probe_cache import fingerprint, load_probes, save_probes
        from photofind.extractors.registry import installed

        self._library.refresh()
        plugins = installed(self.home)
        known = load_probes(self.home)
        stamps = [fingerprint(plugin) for plugin in plugins]

        def described(plugin: Plugin, stamp: str | None) -> ExtractorInfo | str:
            return (known.get(stamp) if stamp else None) or self._try(plugin.name)

        with ThreadPoolExecutor(TRIED_AT_ONCE) as pool:
            found = [*pool.map(described, plugins, stamps)]
        working = {
            stamp: one
            for stamp, one in zip(stamps, found, strict=True)
            if stamp and isinstance(one, ExtractorInfo)
        }
        if working != known:
            save_probes(self.home, working)
        return [*map(self._extractor_status, plugins, found)]

    def status(self) -> Status:
        """Return how the library is."""
        self._library.refresh()
        space = self._space()
        described = int(self._library.references(space).sum()) if space else 0
        return Status(
            photos=described,
            failed=self._library.failed,
            pending=self._library.lacking(space) if space else 0,
            folders=tuple(self.folders()),
            extractor=self.settings.extractor,
            search=self._search_status(),
            home=str(self.home.root),
            bytes=self._bytes(),
            problems=(*self.problems, *self._missing_extractors(), *self._refused()),
            preliminary=self._library.preliminary,
        )

    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Look whether everything is well; with ``repair``, mend what can be mended.

        Raises
        ------
        LibraryError
            Where something is to be mended and another photofind is writing to the library.
        """
        from photofind.app.doctor import examine
        from photofind.extractors.registry import extractors_in_use

        info = self._extraction(extractors_in_use(self.settings)[0]).info
        with self._writing() if repair else nullcontext(self._library) as library:
            return list(examine(self.home, library, info, repair=repair))

    def photo(self, photo: int | str) -> PhotoDetails:
        """Return what is known of a photo, by its number or its absolute path.

        Raises
        ------
        LibraryError
            Where it is not in the library.
        """
        return self._details(self._known(photo))

    def photos(
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: Sequence[str] = (),
        offset: int = 0,
        limit: int = 100,
    ) -> list[PhotoDetails]:
        """Return photos of a folder, of a time, with tags, or all, page by page, newest first.

        Parameters
        ----------
        folder, since, until, tags
            As in :class:`~photofind.model.Query`.
        offset, limit
            How many to leave out first, and how many to return at the most.

        Raises
        ------
        LibraryError
            Where no photo has one of the tags; it names those that are written much like it.
        """
        from photofind.search.filters import Filter

        self._library.refresh()
        page = self._timeline.page(Filter(folder, since, until, tuple(tags)), offset, limit)
        return [self._details(photo) for photo in page]

    def tags(self, *, limit: int | None = None) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first.

        Parameters
        ----------
        limit
            How many to return at the most; all where not given.
        """
        self._library.refresh()
        return self._timeline.tags()[:limit]

    def tagged(self, tags: Sequence[str], *, limit: int = 100) -> list[PhotoDetails]:
        """Return the photos that carry all of some tags or keywords, the surest first.

        Parameters
        ----------
        tags
            At least one; as in :class:`~photofind.model.Query`.
        limit
            How many to return at the most.

        Raises
        ------
        LibraryError
            Where no photo has one of the tags; it names those that are written much like it.
        """
        self._library.refresh()
        return [self._details(photo) for photo in self._timeline.tagged(tags, limit)]

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        """Return a JPEG of a photo, upright, of at most ``size`` pixels a side.

        Raises
        ------
        LibraryError
            Where the photo is not in the library.
        ImageError
            Where it cannot be read.
        """
        known = self._known(photo)
        return self._thumbnails.get(known.path, size, (known.size, known.modified))

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        """Return a JPEG of a picture that need not be in the library, as `thumbnail` does.

        Raises
        ------
        ImageError
            Where it cannot be read.
        """
        try:
            status = Path(path).stat()
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}") from None
        return self._thumbnails.get(path, size, (status.st_size, status.st_mtime_ns))

    def overview(self, folder: str | None = None) -> Overview:
        """Return where photos are, and when they were taken: all, or those below a folder."""
        self._library.refresh()
        return self._timeline.overview(folder)

    # The files of photos.

    def open(self, photo: int | str) -> None:
        """Open a photo with what the system opens photos with.

        Raises
        ------
        LibraryError
            Where it is not in the library.
        DesktopError
            Where it is out of reach, or nothing opens it.
        """
        from photofind.system.reveal import open_file

        open_file(self._known(photo).path)

    def reveal(self, photo: int | str) -> None:
        """Show a photo in its folder, in the file manager.

        Raises
        ------
        LibraryError
            Where it is not in the library.
        DesktopError
            Where it is out of reach, or no folder can be shown.
        """
        from photofind.system.reveal import show_in_folder

        show_in_folder(self._known(photo).path)

    def trash(self, photos: Sequence[int]) -> Trashing:
        """Move photos to the system's trash, by their numbers; nothing is ever deleted.

        A file that is not what was indexed is left alone.
        """
        from photofind.system.trash import move_to_trash

        trashed, moved, failures = [], [], []
        for photo in dict.fromkeys(photos):
            path = f"number {photo}"
            try:
                known = self._known(photo)
                path = known.path
                if known.failure is None and not _is_as_indexed(known):
                    raise LibraryError(
                        f"{path} has changed since it was indexed", "look at it again first"
                    )
                moved.append(move_to_trash(path))
                trashed.append(photo)
            except (DesktopError, LibraryError) as error:
                failures.append(Failure(path, str(error)))
        self._files_moved(gone=[file.path for file in moved])
        undo = self._bin.add(moved) if any(file.item for file in moved) else None
        return Trashing(tuple(trashed), tuple(failures), undo)

    def untrash(self, undo: str) -> Untrashing:
        """Put photos back from the trash that :meth:`trash` moved there.

        Parameters
        ----------
        undo
            What it returned.

        Raises
        ------
        DesktopError
            Where that is not known, any more.
        """
        from photofind.system.trash import restore

        restored, left, failures = [], [], []
        for file in self._bin.pop(undo):
            try:
                restore(file)
                restored.append(file.path)
            except DesktopError as error:
                left.append(file)
                failures.append(Failure(file.path, str(error)))
        self._files_moved(here=restored)
        again = self._bin.add(left, undo) if any(file.item for file in left) else None
        return Untrashing(tuple(restored), tuple(failures), again)

    def _files_moved(self, *, gone: Sequence[str] = (), here: Sequence[str] = ()) -> None:
        """Take note of files that this object moved: the next indexing finds out by itself."""

    # The settings.

    def list_settings(self) -> list[Setting]:
        """Return every setting as it stands."""
        return list_settings(self.home.settings)

    def set_setting(self, name: str, value: str) -> Any:
        """Change a setting to what a person typed; return it as its type.

        Raises
        ------
        SettingsError
            Where there is no such setting or it cannot take the value.
        LibraryError
            Where the disk refuses.
        """
        written = set_setting(self.home.settings, name, value)
        self._forget_settings()
        return written

    def reset_setting(self, name: str) -> Any:
        """Give a setting its default again; return that.

        Raises
        ------
        SettingsError
            Where there is no such setting.
        LibraryError
            Where the disk refuses.
        """
        default = reset_setting(self.home.settings, name)
        self._forget_settings()
        return default

    def _forget_settings(self) -> None:
        """Have the settings read again."""
        self.__dict__.pop("settings", None)

    # What only the daemon can do.

    def pause(self, seconds: float | None = None) -> None:
        """Have the daemon leave files alone for so long, or until :meth:`resume`.

        Raises
        ------
        LibraryError
            Where there is no daemon: this object indexes only when it is told to.
        """
        raise LibraryError("there is no daemon to pause", "`photofind daemon start` starts it")

    def resume(self) -> None:
        """Have the daemon go on.

        Raises
        ------
        LibraryError
            Where there is no daemon.
        """
        raise LibraryError("there is no daemon to resume", "`photofind daemon start` starts it")

    def events(self) -> Iterator[Event]:
        """Yield what happens in the daemon, as it happens, until it stops.

        Raises
        ------
        LibraryError
            Where there is no daemon.
        """
        raise LibraryError("there is no daemon to listen to", "`photofind daemon start` starts it")

    # What is open.

    def _bytes(self) -> int:
        """Return how large the home is, but for what can be thrown away."""
        every = (place for place in self.home.root.glob("*") if place != self.home.cache)
        files = chain.from_iterable([place, *place.rglob("*")] for place in every)
        return sum(file.stat().st_size for file in files if file.is_file())

    def _known(self, photo: int | str) -> Photo:
        self._library.refresh()
        if isinstance(photo, int):
            name, known = f"number {photo}", self._library.photo_by_id(photo)
        else:
            name, known = photo, self._library.photo(photo)
        if known is None:
            raise LibraryError(f"there is no photo {name} in the library")
        return known

    def _details(self, photo: Photo) -> PhotoDetails:
        folder = self._library.folder_of(photo.path)
        return PhotoDetails(
            id=photo.id,
            path=photo.path,
            size=photo.size,
            modified=photo.modified,
            width=photo.width,
            height=photo.height,
            format=photo.format,
            captured=photo.captured,
            camera=photo.camera,
            latitude=photo.latitude,
            longitude=photo.longitude,
            keywords=photo.keywords,
            caption=photo.caption,
            failure=photo.failure,
            offline=folder is not None and folder.state == "offline",
            preliminary=photo.preliminary,
            spaces=tuple(photo.rows),
            tags=tuple(
                sorted(
                    (
                        Tag(name, confidence, space)
                        for space, tags in photo.tags.items()
                        for name, confidence in tags.items()
                    ),
                    key=lambda tag: -tag.confidence,
                )
            ),
        )

    @cached_property
    def _bin(self) -> TrashHistory:
        from photofind.system.trash import TrashHistory

        return TrashHistory()

    @cached_property
    def _timeline(self) -> Timeline:
        from photofind.search.browsing import Timeline

        return Timeline(self._library)

    @cached_property
    def _library(self) -> Library:
        from photofind.library.embedded.library import Library

        return Library(self.home, writable=self._resident)

    @cached_property
    def _searcher(self) -> Searcher:
        from photofind.search.searcher import Searcher

        return Searcher(
            self._library,
            self.settings.extractor,
            self._extraction,
            resident=self._resident,
            idle_seconds=self.settings.idle_minutes * 60,
        )

    @cached_property
    def _thumbnails(self) -> Thumbnails:
        from photofind.app.thumbnails import Thumbnails

        settings = self.settings
        return Thumbnails(
            self.home.cache / "thumbnails",
            limits=self._limits(),
            seconds=settings.max_seconds,
            idle_seconds=settings.idle_minutes * 60,
            log=self.home.logs / "thumbnails.log",
        )

    def _limits(self) -> Limits:
        from photofind.images.limits import Limits

        settings = self.settings
        return Limits(
            pixels=int(settings.max_megapixels * 1e6), bytes=int(settings.max_megabytes * 1e6)
        )

    def _writing(self) -> AbstractContextManager[Library]:
        """Open the library for writing: only as long as it takes, unless it is resident."""
        from photofind.library.embedded.library import Library

        return nullcontext(self._library) if self._resident else Library(self.home, writable=True)

    def _extraction(self, extractor: str) -> Extraction:
        """Return what embeds photos with an extractor, in a worker of its own."""
        with self._opening:
            if extractor not in self._extractions:
                self._extractions[extractor] = self._new_extraction(
                    extractor, low_priority=not self._resident
                )
            return self._extractions[extractor]

    def _new_extraction(self, extractor: str, *, low_priority: bool) -> Extraction:
        from photofind.extractors.extraction import Extraction

        settings = self.settings
        return Extraction(
            extractor,
            threads=settings.threads,
            limits=self._limits(),
            seconds=settings.max_seconds,
            idle_seconds=settings.idle_minutes * 60,
            low_priority=low_priority,
            log=self.home.logs / ("extraction.log" if low_priority else "query-extraction.log"),
            megabytes=settings.worker_megabytes,
            home=self.home,
        )

    def _open_space(self, library: Library, extractor: str) -> str:
        """Ask an extractor what it is, and return the id of its space."""
        plugin = self._extraction(extractor).info()
        return library.open_space(plugin.name, plugin.version, plugin.dimension, plugin.build).id

    def _space(self) -> str | None:
        """Return the id of the space that answers, None while nothing is indexed."""
        return self._searcher.answering.id if self._library.spaces() else None

    def _search_status(self) -> SearchStatus:
        from photofind.indexing.background import is_building

        space = self._space()
        photos = int(self._library.references(space).sum()) if space else 0
        if not space or not photos:
            return SearchStatus("none", 0, 0, None, "nothing is indexed yet")
        index = self._searcher.index(self._library.space(space))
        if index is None:
            return SearchStatus("plain", 0, photos, None, "plain cosine over all vectors, no index")
        built, fresh, recall = index.facts.photos, index.fresh, index.facts.recall
        scanned = f"exact, by comparing with all {photos:,} photos"
        if is_building(self.home):
            scanned += "; the graph is being built"
        if not index.facts.graph_points:
            why = "" if recall is None else f"; the graph, with recall {recall:.3f}, is not used"
            return SearchStatus("exact", built, fresh, recall, scanned + why)
        graph = self._searcher.graph(self._library.space(space))
        if graph is not None and graph.ready:
            explained = f"by the graph over {built:,} photos, recall {recall:.3f}"
            return SearchStatus("graph", built, fresh, recall, explained)
        explained = f"{scanned}; processes that stay use the graph, recall {recall:.3f}"
        return SearchStatus("exact", built, fresh, recall, explained)

    def _missing_extractors(self) -> list[str]:
        """Return a line for each extractor in use that is not installed; none is imported."""
        from photofind.extractors.registry import extractors_in_use, installed

        names = {plugin.name for plugin in installed(self.home)}
        return [
            f"the extractor {name!r} is in use and not installed; "
            "`photofind extractors` lists those that are"
            for name in extractors_in_use(self.settings)
            if name not in names
        ]

    def _refused(self) -> list[str]:
        """Return a line for each extractor that could not describe what others have described."""
        from photofind.indexing.pipeline import could_not_be_described

        extractors = {space.id: space.extractor for space in self._library.spaces()}
        counts = Counter(
            extractors.get(space, space)
            for photo in self._library.refusals()
            if photo.failure is None
            for space in photo.refusals
        )
        return [could_not_be_described(count, name) for name, count in counts.items()]

    def _try(self, extractor: str) -> ExtractorInfo | str:
        """Return what an extractor says of itself, or in words why it does not work."""
        is_running = extractor in self._extractions
        # A worker started to be asked this one thing ends at once: there may be many extractors.
        with (
            nullcontext()
            if is_running
            else self._new_extraction(extractor, low_priority=True) as new
        ):
            try:
                return (new or self._extraction(extractor)).info()
            except (ExtractorError, WorkerError) as failure:
                return str(failure)

    def _extractor_status(self, plugin: Plugin, found: ExtractorInfo | str) -> ExtractorStatus:
        from photofind.extractors.registry import extractors_in_use

        photos = sum(
            int(self._library.references(space.id).sum())
            for space in self._library.spaces()
            if space.extractor == plugin.name
        )
        works = None if isinstance(found, str) else found
        return ExtractorStatus(
            plugin.name,
            works.version if works else None,
            works.dimension if works else None,
            f"{plugin.distribution} {plugin.distribution_version}".strip(),
            plugin.name in extractors_in_use(self.settings),
            photos,
            None if works else str(found),
        )


def _is_as_indexed(photo: Photo) -> bool:
    try:
        status = Path(photo.path).stat()
    except OSError:
        return True  # Whoever moves it says why that cannot be done.
    return (status.st_size, status.st_mtime_ns) == (photo.size, photo.modified)


def chosen_folders(library: Library, folders: Sequence[str] | None) -> list[Folder]:
    """Return the folders of the library that hold, or lie in, those that were named."""
    known = library.folders()
    if not known:
        raise LibraryError(
            "the library has no folders yet", "add one with `photofind folders add ~/Pictures`"
        )
    if folders is None:
        return known
    chosen: dict[str, Folder] = {}
    for folder in folders:
        matching = [f for f in known if is_below(folder, f.path) or is_below(f.path, folder)]
        if not matching:
            raise LibraryError(
                f"{folder} is in no folder of the library", f"photofind folders add {folder}"
            )
        chosen |= {match.path: match for match in matching}
    return list(chosen.values())
