"""An object that the API can serve without a library, and the server of it in a thread."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image
from waiting import wait_until

from photofind.daemon.runtime import Runtime, write_runtime
from photofind.daemon.server import Server
from photofind.errors import ImageError, LibraryError
from photofind.model import (
    Answer,
    Check,
    DuplicateGroup,
    Event,
    ExtractorStatus,
    Failure,
    FolderStatus,
    Hit,
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
from photofind.paths import Home
from photofind.settings import Setting, Settings, list_settings, reset_setting, set_setting

__all__ = ["TOKEN", "FakeSurface", "Served", "jpeg", "serving", "wait_for"]

TOKEN = "a-token-for-tests"


def jpeg(size: tuple[int, int] = (64, 48), color: str = "teal") -> bytes:
    """Return a JPEG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG")
    return file.getvalue()


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition holds; fail where it does not for so long."""
    wait_until(condition, seconds=seconds, pause=0.01)


@dataclass
class FakeSurface:
    """Answers like the daemon's own object, out of what tests put in; says what it was asked."""

    home: Home
    known: dict[int, PhotoDetails] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    error: Exception | None = None
    """Raised by whatever is asked."""
    hold: threading.Event = field(default_factory=threading.Event)
    """Answers to queries, and indexings, wait for it."""
    subscribers: list[Callable[[Event], None]] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)
    steps: int = 3

    def __post_init__(self) -> None:
        self.hold.set()

    def put(self, path: Path, **details: Any) -> PhotoDetails:
        """Make a photo of a file known."""
        status = path.stat() if path.exists() else None
        photo = PhotoDetails(
            id=len(self.known) + 1,
            path=str(path),
            size=status.st_size if status else 0,
            modified=status.st_mtime_ns if status else 0,
            width=64,
            height=48,
            format="JPEG",
            captured="2021-05-03T14:30:00",
            camera="Canon EOS",
            latitude=48.2,
            longitude=16.4,
            keywords=("beach",),
            caption=None,
            failure=None,
            offline=False,
            preliminary=False,
            spaces=("mobilenet@1",),
            tags=(Tag("seashore", 0.8, "mobilenet@1"), Tag("lakeside", 0.1, "mobilenet@1")),
        )
        photo = replace(photo, **details)
        self.known[photo.id] = photo
        return photo

    def publish(self, event: Event) -> None:
        """Tell all who listen."""
        for subscriber in list(self.subscribers):
            subscriber(event)

    def close(self) -> None: ...

    def folders(self) -> list[FolderStatus]:
        self._hear("folders")
        return [
            FolderStatus(path, 2, "online", None, 1.5, excludes, "events")
            for path, excludes in self.added.items()
        ]

    def covers(self, folder: str) -> bool:
        self._hear("covers", folder)
        return folder in self.added

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        self._hear("add_folder", (folder, tuple(excludes)))
        if not Path(folder).is_dir():
            raise LibraryError(f"{folder} is not a folder", "name a folder that exists")
        self.added[folder] = tuple(excludes)

    def remove_folder(self, folder: str) -> int:
        self._hear("remove_folder", folder)
        if self.added.pop(folder, None) is None:
            raise LibraryError(f"{folder} is not a folder of the library")
        return 2

    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        progress(Progress("looking for photos", 0))
        self._hear("index", (folders, accept_removals, retry_failed, wait))
        self.hold.wait(60)
        for done in range(self.steps):
            progress(Progress("reading photos", done, self.steps, 0, 2.5, 1.0))
        self.asked.append(("indexed", None))
        return Report(3, 0, 3, 0, 0, 0, 0, 0, (), (), 0.1, ("a note",))

    def similar(self, query: Query) -> Answer:
        self._hear("similar", query)
        self.hold.wait(60)
        for path in query.like:
            if not Path(path).is_file():
                raise ImageError(f"{path} cannot be searched with: there is no such file", "hint")
        hits = tuple(
            Hit(
                rank,
                photo.path,
                1 / rank,
                photo.captured,
                64,
                48,
                False,
                ("/a/copy.jpg",),
                photo.id,
            )
            for rank, photo in enumerate(self.known.values(), 1)
        )
        return Answer(query, hits[: query.limit], "exact", "mobilenet", len(self.known), 0.001)

    def duplicates(self) -> list[DuplicateGroup]:
        self._hear("duplicates")
        paths = tuple(photo.path for photo in self.known.values())
        return [DuplicateGroup(paths, False, 0.97)]

    def failures(self) -> list[Failure]:
        self._hear("failures")
        return [Failure("/photos/bad.jpg", "the file is empty")]

    def extractors(self) -> list[ExtractorStatus]:
        self._hear("extractors")
        return [ExtractorStatus("mobilenet", "1", 1280, "photofind 0.1", True, 2, None)]

    def status(self) -> Status:
        self._hear("status")
        search = SearchStatus("exact", 2, 0, None, "exact, by comparing with all 2 photos")
        problems = tuple(self.problems)
        folders = tuple(self.folders())
        return Status(2, 1, 0, folders, "mobilenet", search, str(self.home.root), 1234, problems)

    def photo(self, photo: int | str) -> PhotoDetails:
        self._hear("photo", photo)
        for known in self.known.values():
            if photo in (known.id, known.path):
                return known
        raise LibraryError(f"there is no photo {photo!r}", "hint")

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
        self._hear("photos", (folder, since, until, tuple(tags), offset, limit))
        return list(self.known.values())[offset : offset + limit]

    def tags(self, *, limit: int | None = None) -> list[TagCount]:
        self._hear("tags", limit)
        both = TagCount("seashore", 2, ("mobilenet",), False), TagCount("beach", 1, (), True)
        return list(both[:limit])

    def tagged(self, tags: Sequence[str], *, limit: int = 100) -> list[PhotoDetails]:
        self._hear("tagged", (tuple(tags), limit))
        return list(self.known.values())[:limit]

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        self._hear("thumbnail", (photo, size))
        return jpeg((size, size // 2)) if self.photo(photo) else b""

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        self._hear("thumbnail_of", (path, size))
        try:
            with Image.open(path) as picture:
                picture.thumbnail((size, size))
                file = io.BytesIO()
                picture.convert("RGB").save(file, "JPEG")
        except OSError as error:
            raise ImageError(f"{path} is no picture") from error
        return file.getvalue()

    def overview(self, folder: str | None = None) -> Overview:
        self._hear("overview", folder)
        return Overview(len(self.known), (("/photos/\udcff", 2),), (("2021-05", 2),))

    def open(self, photo: int | str) -> None:
        self._hear("open", self.photo(photo).id)

    def reveal(self, photo: int | str) -> None:
        self._hear("reveal", self.photo(photo).id)

    def trash(self, photos: Sequence[int]) -> Trashing:
        self._hear("trash", tuple(photos))
        return Trashing(tuple(photos), (Failure("/photos/\udcff", "it is not there"),), "0" * 32)

    def untrash(self, undo: str) -> Untrashing:
        self._hear("untrash", undo)
        return Untrashing(("/photos/\udcff",))

    def pause(self, seconds: float | None = None) -> None:
        self._hear("pause", seconds)

    def resume(self) -> None:
        self._hear("resume")

    def list_settings(self) -> list[Setting]:
        self._hear("list_settings")
        return list_settings(self.home.settings)

    def set_setting(self, name: str, value: str) -> Any:
        self._hear("set_setting", (name, value))
        return set_setting(self.home.settings, name, value)

    def reset_setting(self, name: str) -> Any:
        self._hear("reset_setting", name)
        return reset_setting(self.home.settings, name)

    def doctor(self, *, repair: bool = False) -> list[Check]:
        self._hear("doctor", repair)
        return [Check("catalog", "repaired" if repair else "broken", "it is torn", "repair it")]

    def events(self) -> Iterator[Event]:
        raise NotImplementedError

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        self.subscribers.append(callback)
        return lambda: self.subscribers.remove(callback)

    def _hear(self, method: str, argument: Any = None) -> None:
        self.asked.append((method, argument))
        if self.error is not None:
            raise self.error


@dataclass(frozen=True)
class Served:
    """A fake that is served, and where."""

    surface: FakeSurface
    server: Server
    home: Home
    thread: threading.Thread

    @property
    def port(self) -> int:
        return self.server.port


@contextmanager
def serving(home: Home, surface: FakeSurface | None = None, token: str = TOKEN) -> Iterator[Served]:
    """Serve a fake while the block lasts, with a runtime file for clients to find."""
    surface = surface or FakeSurface(home)
    server = Server(surface, token, home)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    write_runtime(home, Runtime(os.getpid(), 0.0, server.port, token, "0", time.time()))
    try:
        yield Served(surface, server, home, thread)
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive(), "the server did not stop"
