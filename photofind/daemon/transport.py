"""How the client reaches the daemon: by HTTP, with the port and the token of the runtime file.

Whatever an answer looks like, it ends as a value or as a `PhotofindError`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NamedTuple

import h11

from photofind import errors
from photofind.daemon.exchange import Connection, Response, TooLargeError
from photofind.daemon.handshake import RESTART, connect
from photofind.daemon.runtime import Runtime, read_runtime
from photofind.errors import DaemonError, PhotofindError
from photofind.model import as_plain
from photofind.paths import Home

__all__ = ["Request", "Transport", "revived_error", "understood"]

_LARGEST = 1 << 30
_LONGEST_LINE = 1 << 26


class Request(NamedTuple):
    """A request to the daemon.

    Parameters
    ----------
    method, path
        The path with its query.
    body
        A value that is sent as JSON, or an open file that is sent as it is.
    seconds
        How long to wait for the answer, or for each further line of it.
    """

    method: str
    path: str
    body: object = None
    seconds: float = 60.0

    def encoded(self) -> tuple[bytes | BinaryIO, dict[str, str]]:
        """Return the body as it is sent, and its headers."""
        if self.body is None:
            return b"", {}
        if hasattr(self.body, "fileno"):
            file: BinaryIO = self.body  # type: ignore[assignment]
            file.seek(0)
            size = str(os.fstat(file.fileno()).st_size)
            return file, {"Content-Type": "application/octet-stream", "Content-Length": size}
        data = json.dumps(self.body, default=as_plain).encode("ascii")
        return data, {"Content-Type": "application/json"}


class Transport:
    """Sends requests to the daemon of one home; each thread has a connection of its own.

    It follows a daemon that was restarted and is reached elsewhere.

    Parameters
    ----------
    runtime
        Tells of the daemon.
    start
        Starts another daemon where there is none; returns whether it could. None leaves it at that.
    """

    def __init__(
        self, home: Home, runtime: Runtime, start: Callable[[], bool] | None = None
    ) -> None:
        self._home = home
        self._runtime = runtime
        self.start = start
        self._own = threading.local()
        self._idle: set[Connection] = set()
        self._busy: set[Connection] = set()
        self.problems = 0

    def close(self) -> None:
        """Close all connections; a thread that still reads from one gets its end."""
        while self._idle:
            self._idle.pop().close()
        for connection in list(self._busy):  # The thread that reads from it closes it.
            connection.shut_down()
        self._own = threading.local()

    def connect(self) -> None:
        """Connect this thread.

        Raises
        ------
        DaemonError
            No daemon runs, or it does not answer.
        """
        self._keep(self._connected())

    def ask(self, request: Request) -> bytes:
        """Return the body of the answer.

        Raises
        ------
        PhotofindError
            The one that the daemon answers with.
        DaemonError
            It does not answer.
        """
        connection, response = self._answer(request)
        with _explaining(request), self._dropping(connection):
            body = response.read(_LARGEST)
        self._keep(connection)
        return body

    def lines(self, request: Request) -> Generator[bytes]:
        """Return the lines of an answer as they come; it has begun when this returns.

        Raises
        ------
        PhotofindError
            As `ask`; later, DaemonError if no more lines come.
        """
        return self._lines(*self._answer(request), request)

    def _lines(
        self, connection: Connection, response: Response, request: Request
    ) -> Generator[bytes]:
        try:
            with _explaining(request):
                yield from response.lines(_LONGEST_LINE)
        finally:
            self._drop(connection)

    def _answer(self, request: Request) -> tuple[Connection, Response]:
        """Return an answer that is no error, and the connection that its body comes over."""
        while True:
            runtime = self._runtime
            connection = self._own.__dict__.pop("connection", None)
            is_new = connection is None or not connection.is_usable
            if is_new:
                self._drop(connection)
                connection = self._connected()
            self._idle.discard(connection)
            self._busy.add(connection)
            try:
                with self._dropping(connection):
                    response = _send(connection, request, runtime.token)
                    body = response.read(_LARGEST) if response.status >= 400 else b""
            except ConnectionError as error:
                # The server closes idle connections after a while, perhaps just now.
                if is_new:
                    raise _explained(error, request) from None
                continue
            except (OSError, h11.ProtocolError, ValueError) as error:
                raise _explained(error, request) from None
            if response.status < 400:
                self.problems = _whole(response.headers.get("photofind-problems", "0"))
                return connection, response
            if response.status == 401 and self._follow(runtime):
                self._drop(connection)
                continue
            self._keep(connection)
            raise _error_in(body, response.status)

    def _connected(self) -> Connection:
        start = self.start
        while True:
            runtime = self._runtime
            try:
                return connect(self._home, runtime)
            except DaemonError:
                if self._follow(runtime):
                    continue
                if start is None or not start():
                    raise
            start = None  # One that ends at once is not started again and again.
            self._follow(runtime)

    def _follow(self, runtime: Runtime) -> bool:
        """Return whether another daemon runs than the one that was asked, and can be asked."""
        newer = read_runtime(self._home)
        if newer is None or (newer.port, newer.token) == (runtime.port, runtime.token):
            return False
        self._runtime = newer
        return True

    @contextmanager
    def _dropping(self, connection: Connection) -> Iterator[None]:
        """Close a connection unless the block ends well: Ctrl-C may interrupt it.

        The rest of the answer would be taken for the next one.
        """
        done = False
        try:
            yield
            done = True
        finally:
            if not done:
                self._drop(connection)

    def _keep(self, connection: Connection) -> None:
        self._busy.discard(connection)
        self._idle.add(connection)
        self._own.connection = connection

    def _drop(self, connection: Connection | None) -> None:
        if connection is not None:
            self._busy.discard(connection)
            self._idle.discard(connection)
            connection.close()


def revived_error(plain: Any) -> PhotofindError:
    """Return the error in a JSON object; of its class, if this version knows that."""
    with understood():
        said = plain["error"]
        kind = getattr(errors, said["type"], None)
        message, hint = said["message"], said["hint"]
        if not isinstance(message, str) or not isinstance(hint, str):
            raise TypeError
    if not (isinstance(kind, type) and issubclass(kind, PhotofindError)):
        kind = PhotofindError
    return kind(message, hint)


@contextmanager
def understood() -> Iterator[None]:
    """Have what an answer means found out in a block.

    Raises
    ------
    DaemonError
        It is not what the daemon answers.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        raise _not_understood() from None


def _not_understood() -> DaemonError:
    return DaemonError("the daemon's answer cannot be understood", RESTART)


def _send(connection: Connection, request: Request, token: str) -> Response:
    body, headers = request.encoded()
    headers["Authorization"] = f"Bearer {token}"
    response = connection.ask(request.method, request.path, headers, body, request.seconds)
    if response.headers.get("server") != "photofind":
        raise h11.RemoteProtocolError("another server answers")
    return response


def _error_in(body: bytes, status: int) -> PhotofindError:
    with suppress(DaemonError), understood():
        return revived_error(json.loads(body))
    return DaemonError(f"the daemon answers with status {status}", RESTART)


def _whole(text: str) -> int:
    """Return a small number that stands in a header; 0 if none does."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@contextmanager
def _explaining(request: Request) -> Iterator[None]:
    try:
        yield
    except (OSError, h11.ProtocolError, ValueError) as error:
        raise _explained(error, request) from None


def _explained(error: Exception, request: Request) -> DaemonError:
    """Return the DaemonError for an error of the connection."""
    if isinstance(error, TooLargeError):
        return _not_understood()
    if isinstance(error, TimeoutError):
        return DaemonError(f"the daemon has not answered for {request.seconds:.0f} s", RESTART)
    return DaemonError("the daemon went away before it answered", RESTART)
