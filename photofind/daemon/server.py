"""The server of the API: on this machine alone, on a port that is free."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import uvicorn

from photofind.daemon.access import Access, Guard
from photofind.daemon.api import create_api
from photofind.daemon.connections import BoundedProtocol
from photofind.daemon.context import ApiContext, Served
from photofind.daemon.page_keys import PageKeys, Remembered, recall, remember
from photofind.daemon.uploads import Uploads
from photofind.errors import LibraryError
from photofind.paths import Home

__all__ = ["Server"]

_ADDRESS = "127.0.0.1"
_GRACE_SECONDS = 3
_IDLE_SECONDS = 60
_LONGEST_HEAD = 64 * 1024
_BACKLOG = 512

_log = logging.getLogger(__name__)


class Server:
    """Serves the API of one object, from `serve` until `stop`.

    It has its port as soon as it is made. Clients that connect before it serves wait.

    Parameters
    ----------
    operations
        Carries them out.
    token
        Admits clients.
    home
        Keeps the uploads, and the port, which is taken again if it is free.
    """

    def __init__(self, operations: Served, token: str, home: Home) -> None:
        left = recall(home)
        self._socket = _listening(left.port)
        self.port: int = self._socket.getsockname()[1]
        try:
            remember(home, Remembered(self.port, left.key))
        except LibraryError as error:  # Pages have to be opened again after the next start.
            _log.warning("%s", error)
        access = Access(token, self.port, PageKeys(left.key, self.port))
        self.url = access.url
        self.link = access.link
        context = ApiContext(operations, Uploads(home.cache / "uploads"), access, self.stop)
        most = operations.settings.max_connections
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                Guard(create_api(context), access),
                http=partial(BoundedProtocol, most=most),  # type: ignore[arg-type]
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                h11_max_incomplete_event_size=_LONGEST_HEAD,
                # As many are taken in at once, before they are counted.
                backlog=_BACKLOG,
            )
        )
        self._context = context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped = False

    def serve(self) -> None:
        """Answer until stopped; then finish the requests under way, for a few seconds at most."""
        try:
            with asyncio.Runner(loop_factory=self._uvicorn.config.get_loop_factory()) as runner:
                runner.run(self._serve())
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Make `serve` return; may be called at any time, in any thread or signal handler."""
        self._is_stopped = True
        if self._loop is not None:
            with suppress(RuntimeError):  # It has ended.
                self._loop.call_soon_threadsafe(self._end)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._is_stopped:
            clearing = asyncio.create_task(self._context.uploads.keep_clear())
            await self._uvicorn.serve(sockets=[self._socket])
            clearing.cancel()

    def _end(self) -> None:
        self._context.mailboxes.stop()
        self._uvicorn.ended.set()


class _Uvicorn(uvicorn.Server):
    """uvicorn, but it waits for its end instead of checking for it ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        await self.ended.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # The caller handles them.


def _listening(wanted: int) -> socket.socket:
    """Return a socket that listens on the wanted port, or on another one if that is taken."""
    # Said to be TCP, or asyncio leaves Nagle's algorithm on, and answers wait 40 ms for each other.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform == "win32":  # Or others could listen on the same port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:  # Or connections of the last daemon, which have ended, would still hold it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_ADDRESS, wanted))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        if not wanted:
            raise
        return _listening(0)
    return listener
