"""`PhotoFind`: everything that photofind can be asked, in one object.

Interfaces talk to this object alone, so that they need not know whether it works in their own
process or asks the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from photofind.app.resources import Resources
from photofind.errors import ImageError, LibraryError
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
    Status,
    TagCount,
    Trashing,
    Untrashing,
)
from photofind.paths import Home, is_below
from photofind.settings import (
    Setting,
    Settings,
    list_settings,
    reset_setting,
    set_setting,
)

if TYPE_CHECKING:
    from photofind.library.embedded.catalog import Photo

__all__ = ["PhotoFind"]


class PhotoFind:
    """The library of one home, and everything that can be done with it.

    Opens what it needs when it is needed. Answering takes no lock; a change of the library holds
    its lock for as long as the change takes.

    Parameters
    ----------
    home
        Where the library is; this user's own if not given.
    resident
        Whether this object will answer many queries, so that loading a graph in the background is
        worth it.

    Notes
    -----
    Threads may share a resident one.
    """

    def __init__(self, home: Home | None = None, *, resident: bool = False) -> None:
        self.home = home or Home.default()
        self._resources = Resources(self.home, resident=resident)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the library and end all child processes."""
        self._resources.close()

    @property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for.

        Raises
        ------
        SettingsError
            The file cannot be used.
        """
        return self._resources.settings

    @property
    def problems(self) -> list[str]:
        """What was found damaged so far and is not repaired, one line each."""
        return self._resources.library.warnings

    # Folders.

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        from photofind.app.library_folders import folder_statuses

        library = self._resources.library
        library.refresh()
        return folder_statuses(library)

    def covers(self, folder: str) -> bool:
        """Return whether ``folder`` is a folder of the library or lies in one."""
        library = self._resources.library
        library.refresh()
        return any(is_below(folder, known.path) for known in library.folders())

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there.

        Raises
        ------
        LibraryError
            Where there is no such folder, or it is photofind's own.
        SettingsError
            Where what is excluded is no rule.
        """
        from photofind.app.library_folders import add_folder

        with self._resources.writing() as library:
            add_folder(library, self.home, folder, excludes)

    def remove_folder(self, folder: str) -> int:
        """Take a folder out of the library with all that is known of its photos; return how many.

        Photos that lie in another folder of the library too stay.

        Raises
        ------
        LibraryError
            Where the folder is not in the library.
        """
        from photofind.app.library_folders import remove_folder

        with self._resources.writing() as library:
            return remove_folder(library, folder)

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
        from photofind.app.indexing import index_folders

        return index_folders(
            self._resources,
            folders,
            accept_removals=accept_removals,
            retry_failed=retry_failed,
            wait=wait,
            progress=progress,
        )

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
        answer = self._resources.searcher.similar(replace(query, limit=limit, min_score=min_score))
        if query.tags and not answer.hits:
            self._resources.timeline.check_tags(query.tags)
        return answer

    def duplicates(self) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        return self._resources.searcher.duplicates()

    def failures(self) -> list[Failure]:
        """Return the photos that could not be indexed, with their reasons, by path.

        Also those that one extractor could not describe, though others may have.
        """
        from photofind.app.photos import failures

        library = self._resources.library
        library.refresh()
        return failures(library)

    def extractors(self) -> list[ExtractorStatus]:
        """Return the extractors that are installed, each tried in a process of its own.

        One that works is not tried again before something has changed.
        """
        from photofind.app.extractors import extractor_statuses

        return extractor_statuses(self._resources)

    def status(self) -> Status:
        """Return how the library is."""
        from photofind.app.extractors import missing_extractors
        from photofind.app.status import library_status

        problems = [*self.problems, *missing_extractors(self._resources)]
        return library_status(self._resources, self.folders(), problems)

    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Look whether everything is well; with ``repair``, mend what can be mended.

        Raises
        ------
        LibraryError
            Where something is to be mended and another photofind is writing to the library.
        """
        from photofind.app.doctor import examine
        from photofind.extractors.registry import extractors_in_use

        resources = self._resources
        describe = resources.extraction(extractors_in_use(self.settings)[0]).describe
        with resources.writing() if repair else nullcontext(resources.library) as library:
            return list(examine(self.home, library, describe, repair=repair))

    def photo(self, photo: int | str) -> PhotoDetails:
        """Return what is known of a photo, by its number or its absolute path.

        Raises
        ------
        LibraryError
            Where it is not in the library.
        """
        return self._details([self._known(photo)])[0]

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

        self._resources.library.refresh()
        limits = Filter(folder, since, until, tuple(tags))
        return self._details(self._resources.timeline.page(limits, offset, limit))

    def tags(self, *, limit: int | None = None) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first.

        Parameters
        ----------
        limit
            How many to return at the most; all where not given.
        """
        self._resources.library.refresh()
        return self._resources.timeline.tags()[:limit]

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
        self._resources.library.refresh()
        return self._details(self._resources.timeline.tagged(tags, limit))

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
        return self._resources.thumbnails.get(known.path, size, (known.size, known.modified))

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
        return self._resources.thumbnails.get(path, size, (status.st_size, status.st_mtime_ns))

    def overview(self, folder: str | None = None) -> Overview:
        """Return where photos are, and when they were taken: all, or those below a folder."""
        self._resources.library.refresh()
        return self._resources.timeline.overview(folder)

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
        from photofind.app.trash import trash_photos

        trashing, moved = trash_photos(self._resources.library, self._resources.trash, photos)
        self._files_moved(gone=[file.path for file in moved])
        return trashing

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
        from photofind.app.trash import untrash_photos

        untrashing = untrash_photos(self._resources.trash, undo)
        self._files_moved(here=untrashing.restored)
        return untrashing

    def _files_moved(self, *, gone: Sequence[str] = (), here: Sequence[str] = ()) -> None:
        """Take note of files that this object moved; here the next indexing finds them."""

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
        self._resources.forget_settings()

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

    def _known(self, photo: int | str) -> Photo:
        from photofind.app.photos import find_photo

        return find_photo(self._resources.library, photo)

    def _details(self, photos: Sequence[Photo]) -> list[PhotoDetails]:
        from photofind.app.photos import details

        return [details(self._resources.library, photo) for photo in photos]
