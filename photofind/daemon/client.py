"""The client of the daemon: it has the same operations as `PhotoFind`.

It imports little, because commands wait for that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import fields
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_origin

import photofind
from photofind import model
from photofind.daemon.handshake import SilentDaemonError, not_running
from photofind.daemon.runtime import Runtime, read_runtime
from photofind.daemon.transport import Request, Transport, revived_error, understood
from photofind.declaration import Operation, Parameter, derive
from photofind.errors import DaemonError, ImageError, LibraryError
from photofind.model import revive
from photofind.model.references import UPLOAD
from photofind.operations import OPERATIONS, Operations
from photofind.paths import Home
from photofind.system.home_guard import check_home

if TYPE_CHECKING:
    from photofind.app.photofind import PhotoFind
    from photofind.model import Event, PhotoDetails, Progress, Report
    from photofind.settings import Settings

__all__ = ["Client", "connect", "connect_to_running"]

_PICTURE_SECONDS = 120.0
"""Seconds that a worker may take that has to be started first."""
_LINE_SECONDS = 60.0
"""The server writes far more often, if only an empty line."""


def connect(
    home: Home | None = None, *, daemon: bool = True, start: bool = True, begin: bool = True
) -> PhotoFind | Client:
    """Return the operations of a home: a client of the daemon, or `PhotoFind` in this process.

    Parameters
    ----------
    home
        This user's own if not given.
    daemon
        Whether to ask the daemon.
    start
        Whether to start the daemon if it does not run and the setting ``autostart_daemon`` allows
        it, and to restart it if another version of photofind has been installed. The client starts
        it again if it has ended later. While another process writes to the library, no daemon can
        start, and this process answers.
    begin
        Whether it is started even if there is no library yet.

    Raises
    ------
    DaemonError
        The daemon cannot be started, or runs and does not answer.
    """
    home = home or Home.default()
    silent: str | None = None
    if daemon:
        runtime = read_runtime(home)
        if runtime is not None and start and _is_outdated(runtime) and _may_start(home, begin):
            with suppress(DaemonError):
                _stop(home)
        try:
            return _restarting(home, begin) if start else connect_to_running(home)
        except SilentDaemonError as error:
            if start and _is_begun(home, begin):  # Another one cannot be started beside it.
                raise
            silent = f"{error.message}; {error.hint}"
        except DaemonError:
            pass
        if start and _started(home, begin):
            return _restarting(home, begin)
    from photofind.app.photofind import PhotoFind

    return PhotoFind(home, silent_daemon=silent)


def _is_begun(home: Home, begin: bool) -> bool:
    """Return whether there is a library, or one may be begun."""
    if begin:
        return True
    from photofind.library.stores import store_exists  # Not needed where a daemon runs.

    return store_exists(home)


def _may_start(home: Home, begin: bool) -> bool:
    from photofind.settings import load_settings

    return _is_begun(home, begin) and load_settings(home.settings).autostart_daemon


def _stop(home: Home) -> None:
    from photofind.daemon.lifecycle import stop

    stop(home)


def _restarting(home: Home, begin: bool) -> Client:
    """Return a client of the running daemon that starts another one if that has ended."""
    client = connect_to_running(home)
    client.start_again(begin=begin)
    return client


def _started(home: Home, begin: bool) -> bool:
    """Start the daemon; return whether that was possible.

    It is not if a setting says so, the disk does not take its files, or another process writes to
    the library; what is asked may be answered in this process all the same.
    """
    from photofind.daemon.lifecycle import start

    if not _may_start(home, begin):
        return False
    try:
        start(home)
    except DaemonError as error:
        if isinstance(error.__cause__, LibraryError) or _is_written_to(home):
            return False
        raise
    return True


def _is_written_to(home: Home) -> bool:
    from filelock import FileLock, Timeout

    try:
        # Only after a failure: at this moment no other process can get the lock.
        with FileLock(home.lock, mode=0o600).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def connect_to_running(home: Home | None = None) -> Client:
    """Return a client of the running daemon.

    Raises
    ------
    DaemonError
        None is running.
    LibraryError
        Others can change the home.
    """
    home = home or Home.default()
    check_home(home)  # Before its word is taken for where the daemon is.
    # mypy does not know the methods that are derived.
    return Client(home)  # type: ignore[abstract]


@derive
class Client(Operations):
    """The operations, carried out by the daemon; its methods are derived from the declarations.

    Threads may share it.

    Parameters
    ----------
    home
        Its daemon is asked.

    Raises
    ------
    DaemonError
        The daemon does not run; from the methods, it went away or does not answer.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        runtime = read_runtime(home)
        if runtime is None:
            raise not_running()
        self._transport = Transport(home, runtime)
        self._transport.connect()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the daemon goes on."""
        self._transport.close()

    def start_again(self, *, begin: bool = True) -> None:
        """Start the daemon again from now on where it has ended, unless this client stops it.

        Parameters
        ----------
        begin
            Whether to do so even if there is no library.
        """
        self._transport.start = partial(_started, self.home, begin)

    @cached_property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for."""
        from photofind.settings import Settings

        known = Settings.__dataclass_fields__
        return Settings(
            **{one.name: one.value for one in self.list_settings() if one.name in known}  # type: ignore[arg-type]
        )

    @property
    def problems(self) -> list[str]:
        """What the daemon has found damaged, if its last answer told of any."""
        return list(self.status().problems) if self._transport.problems else []

    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        fleet: str | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Bring the library up to date with its folders.

        If it is ended, by Ctrl-C or otherwise, the daemon goes on with it.
        """
        body = {
            "folders": None if folders is None else list(folders),
            "accept_removals": accept_removals,
            "retry_failed": retry_failed,
            "wait": wait,
            "fleet": fleet,
        }
        request = Request("POST", "/api/index", body, _LINE_SECONDS)
        with closing(self._transport.lines(request)) as lines:
            for line in lines:
                told = _told(line)
                if "progress" in told:
                    with understood():
                        done = revive(model.Progress, told["progress"])
                    progress(done)
                elif "report" in told:
                    with understood():
                        return revive(model.Report, told["report"])
                elif told:
                    raise revived_error(told)
        raise DaemonError("the daemon went away while it indexed", "what was read is kept")

    def events(self) -> Iterator[Event]:
        """Return what happens from now on, as it happens, until the daemon stops or goes away.

        The data of events is as JSON has it.
        """
        lines = self._transport.lines(Request("GET", "/api/events", seconds=_LINE_SECONDS))
        next(lines, None)  # From the first one on, nothing is missed.
        return _events(lines)

    def photo(self, photo: int | str) -> PhotoDetails:
        """Return what is known of a photo; one request, even for a path."""
        if isinstance(photo, str):
            with understood():
                return self.photos(path=photo)[0]
        return self._carry_out(OPERATIONS["photo"], {"photo": photo})  # type: ignore[no-any-return]

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        """Return a JPEG of a photo."""
        path = f"/api/photos/{photo}/thumbnail?size={size}"
        return self._transport.ask(Request("GET", path, seconds=_PICTURE_SECONDS))

    def evaluation_report(self, evaluation: str) -> bytes:
        """Return the report of an evaluation, HTML."""
        return self._transport.ask(Request("GET", f"/api/evaluations/{evaluation}/report"))

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        """Return a JPEG of a picture that need not be in the library; it is sent to the daemon."""
        upload = self.upload(path).removeprefix(UPLOAD)
        request = f"/api/uploads/{upload}/thumbnail?size={size}"
        return self._transport.ask(Request("GET", request, seconds=_PICTURE_SECONDS))

    # What only a client has.

    def upload(self, picture: str | os.PathLike[str]) -> str:
        """Send a picture that the daemon itself cannot read; return how a query refers to it.

        Raises
        ------
        ImageError
            There is none, or it cannot be read.
        """
        try:
            file = Path(picture).open("rb")  # noqa: SIM115
        except OSError as error:
            raise ImageError(f"{picture} cannot be read: {error.strerror}") from None
        with file:
            request = Request("POST", "/api/uploads", file, _PICTURE_SECONDS)
            answer = self._transport.ask(request)
        with understood():
            return str(json.loads(answer)["upload"])

    def link(self, path: str = "/") -> str:
        """Return an address that opens a page of the daemon in a browser, once, within 60 s."""
        answer = self._ask("POST", "/api/links", {"path": path})
        with understood():
            return str(answer["url"])

    def door(self, path: str = "/", snap: str | None = None) -> str:
        """Return a file that leads a browser to such an address, and that only this user can read.

        A browser from a snap reads few files; given its name, this is one of them.
        """
        answer = self._ask("POST", "/api/doors", {"path": path, "snap": snap})
        with understood():
            return str(answer["file"])

    def stop(self) -> None:
        """Have the daemon stop; return at once."""
        self._transport.start = None
        self._ask("POST", "/api/stop")

    def _carry_out(self, declared: Operation, arguments: Mapping[str, Any]) -> Any:
        """Have the daemon carry out an operation; return what it returns."""
        route = declared.route(arguments)
        in_path, query, body = {}, {}, None
        for one in declared.parameters(route):
            value = arguments[one.name]
            if one.is_whole:
                body = {**(body or {}), **{f.name: getattr(value, f.name) for f in fields(value)}}
            elif one.place == "path":
                in_path[one.name] = _quoted(self._in_path(one, value), safe="")
            elif one.place == "query":
                query[one.alias] = value
            else:
                body = {**(body or {}), one.alias: value}
        if route.path.startswith("/api/settings/"):
            self.__dict__.pop("settings", None)
        address = route.path.replace(":path}", "}").format_map(in_path)
        if query:
            address += f"?{_query(query)}"
        answer = self._ask(route.method, address, body, route.seconds)
        if declared.returns is type(None):
            return None
        with understood():
            return revive(declared.returns, answer if route.key is None else answer[route.key])

    def _in_path(self, parameter: Parameter, value: Any) -> str:
        """Return what stands in an address for a value: for the path of a photo, its id."""
        is_reference = get_origin(parameter.hint) is Annotated and isinstance(value, str)
        return str(self.photo(value).id if is_reference else value)

    def _ask(self, method: str, path: str, body: object = None, seconds: float = 60.0) -> Any:
        answer = self._transport.ask(Request(method, path, body, seconds))
        with understood():
            return json.loads(answer) if answer else None


def _is_outdated(runtime: Runtime) -> bool:
    """Return whether another version of photofind was installed since a daemon was started."""
    # The version itself takes long to find out.
    installed = Path(photofind.__file__).parent.stat().st_mtime
    return installed > runtime.started and photofind.__version__ != runtime.version


def _told(line: bytes) -> dict[str, Any]:
    """Return the object in a line; an empty one if the line is empty, or cut off."""
    with suppress(ValueError, RecursionError):
        told = json.loads(line)
        return told if isinstance(told, dict) else {}
    return {}


def _events(lines: Generator[bytes]) -> Iterator[Event]:
    kind = ""
    with closing(lines), suppress(DaemonError):
        for line in lines:
            field, _, value = line.rstrip(b"\n").partition(b": ")
            if field == b"event":
                kind = value.decode(errors="replace")
            elif field == b"data":
                with understood():
                    data = json.loads(value)
                yield model.Event(kind, data)
                if kind == "stopping":
                    return


def _query(parameters: Mapping[str, Any]) -> str:
    """Return parameters as they stand in an address; those of a sequence one by one."""
    return "&".join(
        f"{name}={_quoted(value, safe='/')}"
        for name, values in parameters.items()
        for value in (values if isinstance(values, tuple | list) else [values])
        if value is not None
    )


def _quoted(value: Any, *, safe: str) -> str:
    """Return a value as it stands in an address: paths byte by byte."""
    from urllib.parse import quote

    return quote(os.fsencode(str(value)), safe=safe)
