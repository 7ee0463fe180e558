"""The client of the daemon: asked like `PhotoFind`, it has the daemon answer.

It imports little, for commands wait for that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import photofind
from photofind.daemon.runtime import read_runtime
from photofind.daemon.transport import Request, Transport, revived_error
from photofind.errors import DaemonError, ImageError
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
    revive,
)
from photofind.paths import Home

if TYPE_CHECKING:
    from photofind.app.photofind import PhotoFind
    from photofind.settings import Setting, Settings

__all__ = ["Client", "connect", "connect_to_running"]

_Value = TypeVar("_Value")

_COLD_SECONDS = 120.0
"""How long a worker may take that has to be started first."""
_LONG_SECONDS = 3600.0
"""How long what looks at the whole library may take."""
_LINE_SECONDS = 60.0
"""The server writes far more often, be it nothing."""


def connect(
    home: Home | None = None, *, daemon: bool = True, start: bool = True
) -> PhotoFind | Client:
    """Return what answers for a home: the daemon's client, or `PhotoFind` in this process.

    Parameters
    ----------
    home
        This user's own where not given.
    daemon
        Whether to ask the daemon.
    start
        Whether to start it where it does not run and the setting ``autostart_daemon`` allows, and
        anew where another version of photofind was installed meanwhile. While another process
        writes to the library no daemon can, and this process answers.

    Raises
    ------
    DaemonError
        Where the daemon cannot be started.
    SettingsError
        Where the settings cannot be read.
    """
    home = home or Home.default()
    if daemon:
        with suppress(DaemonError):
            client = connect_to_running(home)
            if not (start and client.is_outdated and _may_start(home)):
                return client
            _end(client)
        if start and _may_start(home) and _started(home):
            return connect_to_running(home)
    from photofind.app.photofind import PhotoFind

    return PhotoFind(home)


def _may_start(home: Home) -> bool:
    from photofind.settings import load_settings

    return load_settings(home.settings).autostart_daemon


def _end(client: Client) -> None:
    """End the daemon of a client, in good order."""
    from photofind.daemon.lifecycle import stop

    client.close()
    stop(client.home)


def _started(home: Home) -> bool:
    """Start the daemon; return whether it could be, for somebody else may write to the library."""
    from photofind.daemon.lifecycle import start

    try:
        start(home)
    except DaemonError:
        if _is_written_to(home):
            return False
        raise
    return True


def _is_written_to(home: Home) -> bool:
    from filelock import FileLock, Timeout

    try:
        # Only after a failure: for this moment nobody else can have it.
        with FileLock(home.lock, mode=0o600).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def connect_to_running(home: Home | None = None) -> Client:
    """Return a client of the daemon that runs.

    Raises
    ------
    DaemonError
        Where none does.
    """
    return Client(home or Home.default())


class Client:
    """Everything that `PhotoFind` can be asked, asked of the daemon; documented there.

    Threads may share it.

    Parameters
    ----------
    home
        Whose daemon.

    Raises
    ------
    DaemonError
        Where it does not run; from the methods, where it goes away or does not answer.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        runtime = read_runtime(home)
        if runtime is None or not _is_alive(runtime.pid):
            raise DaemonError("the daemon is not running", "start it with `photofind daemon start`")
        self._runtime = runtime
        self._transport = Transport(home, runtime)
        self._transport.connect()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the daemon goes on."""
        self._transport.close()

    @property
    def is_outdated(self) -> bool:
        """Whether another version of photofind was installed since the daemon was started."""
        # The version itself takes long to find out.
        installed = Path(photofind.__file__).parent.stat().st_mtime
        return installed > self._runtime.started and photofind.__version__ != self._runtime.version

    @cached_property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for."""
        from photofind.settings import Settings

        known = Settings.__dataclass_fields__
        return Settings(
            **{one.name: one.value for one in self.list_settings() if one.name in known}
        )

    @property
    def problems(self) -> list[str]:
        """What the daemon has found damaged, as far as its last answer here knew of any."""
        return list(self.status().problems) if self._transport.problems else []

    # Folders.

    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        return self._values(FolderStatus, "/api/folders")

    def covers(self, folder: str) -> bool:
        """Return whether ``folder`` is a folder of the library or lies in one."""
        return bool(self._get(f"/api/folders/covers?{_query(path=folder)}")["covers"])

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        """Add a folder, or change what is excluded in one that is there."""
        self._post("/api/folders", {"path": folder, "excludes": list(excludes)})

    def remove_folder(self, folder: str) -> int:
        """Take a folder out of the library; return how many photos went with it."""
        answer = self._post("/api/folders/remove", {"path": folder}, _LONG_SECONDS)
        return int(answer["removed"])

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
        """Bring the library up to date with its folders.

        Ended by Ctrl-C or otherwise, the daemon goes on with it.
        """
        body = {
            "folders": None if folders is None else list(folders),
            "accept_removals": accept_removals,
            "retry_failed": retry_failed,
            "wait": wait,
        }
        request = Request("POST", "/api/index", body, _LINE_SECONDS)
        with closing(self._transport.lines(request)) as lines:
            for line in lines:
                told = _told(line)
                if "progress" in told:
                    progress(revive(Progress, told["progress"]))
                elif "report" in told:
                    return revive(Report, told["report"])
                elif told:
                    raise revived_error(told)
        raise DaemonError("the daemon went away while it indexed", "what was read is kept")

    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query."""
        return revive(Answer, self._post("/api/similar", query, _COLD_SECONDS))

    def duplicates(self) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        return self._values(DuplicateGroup, "/api/duplicates", _LONG_SECONDS)

    def failures(self) -> list[Failure]:
        """Return the photos that could not be indexed, with their reasons, by path."""
        return self._values(Failure, "/api/failures")

    def extractors(self) -> list[ExtractorStatus]:
        """Return the extractors that are installed, each tried in a process of its own."""
        return self._values(ExtractorStatus, "/api/extractors", _LONG_SECONDS)

    def status(self) -> Status:
        """Return how the library is, and what the daemon does."""
        return revive(Status, self._get("/api/status"))

    def photo(self, photo: int | str) -> PhotoDetails:
        """Return what is known of a photo, given its number or its path."""
        if isinstance(photo, int):
            return revive(PhotoDetails, self._get(f"/api/photos/{photo}"))
        return self._values(PhotoDetails, f"/api/photos?{_query(path=photo)}")[0]

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
        """Return what is known of photos, the newest first."""
        limits = _query(folder=folder, since=since, until=until, tag=tags)
        page = _query(offset=offset, limit=limit)
        return self._values(PhotoDetails, f"/api/photos?{limits}&{page}")

    def tags(self, *, limit: int | None = None) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first."""
        return self._values(TagCount, f"/api/tags?{_query(limit=limit)}")

    def tagged(self, tags: Sequence[str], *, limit: int = 100) -> list[PhotoDetails]:
        """Return the photos that carry all of some tags or keywords, the surest first."""
        return self._values(PhotoDetails, f"/api/tagged?{_query(tag=tags, limit=limit)}")

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        """Return a photo, small, as a JPEG."""
        path = f"/api/photos/{photo}/thumbnail?{_query(size=size)}"
        return self._transport.ask(Request("GET", path, seconds=_COLD_SECONDS))

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        """Return a picture that need not be in the library, small, as a JPEG; it is sent."""
        number = self.upload(path).removeprefix("upload:")
        request = f"/api/uploads/{number}/thumbnail?{_query(size=size)}"
        return self._transport.ask(Request("GET", request, seconds=_COLD_SECONDS))

    def overview(self, folder: str | None = None) -> Overview:
        """Return where photos are, and when they were taken."""
        return revive(Overview, self._get(f"/api/overview?{_query(folder=folder)}"))

    def open(self, photo: int | str) -> None:
        """Open a photo with what the system opens photos with."""
        self._post(f"/api/photos/{self._number(photo)}/open")

    def reveal(self, photo: int | str) -> None:
        """Show a photo in its folder, in the file manager."""
        self._post(f"/api/photos/{self._number(photo)}/reveal")

    def trash(self, photos: Sequence[int]) -> Trashing:
        """Move photos to the system's trash, by their numbers; nothing is ever deleted."""
        return revive(Trashing, self._post("/api/photos/trash", {"ids": [*photos]}))

    def untrash(self, undo: str) -> Untrashing:
        """Put photos back from the trash that :meth:`trash` moved there."""
        return revive(Untrashing, self._post("/api/photos/untrash", {"undo": undo}))

    def _number(self, photo: int | str) -> int:
        return photo if isinstance(photo, int) else self.photo(photo).id

    # The daemon and its settings.

    def pause(self, seconds: float | None = None) -> None:
        """Have the daemon leave all work, until resumed or for so long."""
        self._post("/api/pause", {"seconds": seconds})

    def resume(self) -> None:
        """Have the daemon go on with what it left."""
        self._post("/api/resume")

    def list_settings(self) -> list[Setting]:
        """Return every setting as it stands."""
        from photofind.settings import Setting

        settings = self._values(Setting, "/api/settings")
        return [
            Setting(one.name, _hashable(one.value), _hashable(one.default), one.help)
            for one in settings
        ]

    def set_setting(self, name: str, value: str) -> Any:
        """Set a setting to a value as a person types it; return it as its type."""
        return self._setting("PUT", name, {"value": value})

    def reset_setting(self, name: str) -> Any:
        """Give a setting its default again; return that."""
        return self._setting("DELETE", name)

    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Return what the doctor finds, once it has mended what it can where asked to."""
        request = (
            Request("POST", "/api/doctor/repair", seconds=_LONG_SECONDS)
            if repair
            else Request("GET", "/api/doctor", seconds=_LONG_SECONDS)
        )
        return [revive(Check, check) for check in json.loads(self._transport.ask(request))]

    def events(self) -> Iterator[Event]:
        """Return what happens from now on, as it happens, until the daemon stops or goes away.

        The data of events is as JSON has it.
        """
        lines = self._transport.lines(Request("GET", "/api/events", seconds=_LINE_SECONDS))
        next(lines, None)  # The first one comes once nothing will be missed any more.
        return _events(lines)

    # What only a client has.

    def upload(self, picture: str | os.PathLike[str]) -> str:
        """Send a picture that the daemon itself cannot read; return what a query calls it.

        Raises
        ------
        ImageError
            Where there is none, or it cannot be read.
        """
        try:
            file = Path(picture).open("rb")  # noqa: SIM115
        except OSError as error:
            raise ImageError(f"{picture} cannot be read: {error.strerror}") from None
        with file:
            request = Request("POST", "/api/uploads", file, _COLD_SECONDS)
            return str(json.loads(self._transport.ask(request))["upload"])

    def link(self, path: str = "/") -> str:
        """Return an address that opens a page of the daemon in a browser, once, within 60 s."""
        return str(self._post("/api/links", {"path": path})["url"])

    def stop(self) -> None:
        """Have the daemon stop; this returns before it has."""
        self._post("/api/stop")

    def _get(self, path: str, seconds: float = 60.0) -> Any:
        return json.loads(self._transport.ask(Request("GET", path, seconds=seconds)))

    def _values(self, kind: type[_Value], path: str, seconds: float = 60.0) -> list[_Value]:
        return [revive(kind, plain) for plain in self._get(path, seconds)]

    def _post(self, path: str, body: object = None, seconds: float = 60.0) -> Any:
        answer = self._transport.ask(Request("POST", path, body, seconds))
        return json.loads(answer) if answer else None

    def _setting(self, method: str, name: str, body: object = None) -> Any:
        from urllib.parse import quote

        self.__dict__.pop("settings", None)
        path = f"/api/settings/{quote(os.fsencode(name), safe='')}"
        return _hashable(json.loads(self._transport.ask(Request(method, path, body)))["value"])


def _is_alive(pid: int) -> bool:
    """Return whether a process of this user has that id: where none has, its port may be another's.

    Windows cannot tell without more being imported.
    """
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True


def _told(line: bytes) -> dict[str, Any]:
    """Return what a line says: nothing where it is empty, or cut off."""
    with suppress(ValueError):
        told: dict[str, Any] = json.loads(line)
        return told
    return {}


def _events(lines: Generator[bytes]) -> Iterator[Event]:
    kind = ""
    with closing(lines), suppress(DaemonError):
        for line in lines:
            field, _, value = line.rstrip(b"\n").partition(b": ")
            if field == b"event":
                kind = value.decode()
            elif field == b"data":
                yield Event(kind, json.loads(value))
                if kind == "stopping":
                    return


def _query(**parameters: object) -> str:
    """Return parameters as they stand in an address; paths byte by byte, several one by one."""
    from urllib.parse import quote

    return "&".join(
        f"{name}={quote(os.fsencode(str(value)), safe='/')}"
        for name, values in parameters.items()
        for value in (values if isinstance(values, tuple | list) else [values])
        if value is not None
    )


def _hashable(value: Any) -> Any:
    """Return the value of a setting as it was before it was JSON."""
    return tuple(value) if isinstance(value, list) else value
