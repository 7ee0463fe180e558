"""The daemon itself: assemble, serve, and shut down cleanly."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from types import FrameType
from typing import Protocol

import psutil

from photofind import __version__
from photofind.daemon.file_guard import FileGuard
from photofind.daemon.first_words import leave_starter
from photofind.daemon.instance import claim, resign
from photofind.daemon.logs import set_up_logging
from photofind.daemon.notify_systemd import notify
from photofind.daemon.runtime import Runtime, remove_runtime
from photofind.errors import PhotofindError
from photofind.model import Event
from photofind.paths import Home
from photofind.settings import load_settings
from photofind.system.descriptors import raise_descriptor_limit
from photofind.system.held_lock import HeldLock
from photofind.system.memory import use_one_heap

__all__ = ["run"]

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # The last is Windows': also at logout.

_log = logging.getLogger(__name__)


class _Resident(Protocol):
    """Keeps the library up to date with the folders, and answers."""

    def start(self) -> None: ...
    def close(self) -> None: ...
    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]: ...
    def look_at_files(self) -> None: ...


class _Server(Protocol):
    """Carries requests to it; its port is known before it serves."""

    @property
    def port(self) -> int: ...
    def serve(self) -> None: ...
    def stop(self) -> None: ...


def _assemble(home: Home, token: str) -> tuple[_Resident, _Server]:
    from threadpoolctl import threadpool_limits

    from photofind.daemon.resident import Resident
    from photofind.daemon.server import Server

    # Threads of a matrix product wait for each other if another process has their processor: on a
    # busy machine answers took four times as long.
    threadpool_limits(1, user_api="blas")
    resident = Resident(home)
    try:
        return resident, Server(resident, token, home)
    except BaseException:
        resident.close()
        raise


def run(
    home: Home,
    *,
    listener: Callable[[Event], None] | None = None,
    assemble: Callable[[Home, str], tuple[_Resident, _Server]] = _assemble,
) -> None:
    """Run the daemon of ``home`` until it is asked to stop.

    Parameters
    ----------
    listener
        Called with every event; it must not wait.
    assemble
        Makes the two parts of the daemon, given the home and the API's token.

    Raises
    ------
    DaemonRunsError
        One runs already.
    PhotofindError
        The library, the settings or the disk do not allow it.
    """
    lock = claim(home)
    use_one_heap()
    raise_descriptor_limit()
    os.umask(0o077)  # Whatever is written here or by a child is this user's alone.
    if sys.stderr is not None:  # It is with Windows' pythonw.
        faulthandler.enable()
    set_up_logging(home, load_settings(home.settings).log_level)
    try:
        _serve(home, lock, listener, assemble)
    except PhotofindError as error:
        _log.error("%s", error)
        raise
    except Exception:
        _log.exception("the daemon failed")
        raise


def _serve(
    home: Home,
    lock: HeldLock,
    listener: Callable[[Event], None] | None,
    assemble: Callable[[Home, str], tuple[_Resident, _Server]],
) -> None:
    end = _End()
    token = secrets.token_urlsafe(32)
    lost = threading.Event()
    try:
        resident, server = assemble(home, token)
        with closing(resident):
            end.reaches(server)
            if listener is not None:
                resident.subscribe(listener)
            if not end.wanted:
                resident.start()
                runtime = _written_down(server.port, token)
                file_guard = FileGuard(home, runtime, lock, resident.look_at_files)
                leave_starter(home)  # It is told until here why there is no daemon.
                threading.Thread(
                    target=_end_when_lost,
                    args=(file_guard, server, lost),
                    name="file guard",
                    daemon=True,
                ).start()
                _log.info("photofind %s serves %s, port %d", __version__, home.root, server.port)
                notify("READY=1")
                gc.freeze()  # What is loaded by now stays: nobody has to wait for its inspection.
                server.serve()
            _log.info("ending")
            notify("STOPPING=1")
        _log.info("ended")
    finally:
        if not lost.is_set():  # The file there now belongs to another daemon.
            try:
                remove_runtime(home)
            except OSError as error:  # Beside a free lock it leads nobody astray.
                _log.warning("the runtime file stays: %s", error)
    resign()


def _end_when_lost(file_guard: FileGuard, server: _Server, lost: threading.Event) -> None:
    """Stop the daemon when clients cannot find it any more."""
    file_guard.run()
    lost.set()
    server.stop()


class _End:
    """Stops the server on a signal: at once, or as soon as there is a server."""

    def __init__(self) -> None:
        self.wanted = False
        self._server: _Server | None = None
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # A signal that nohup or a shell has ignored stays ignored.
            if number and (name == "SIGTERM" or signal.getsignal(number) != signal.SIG_IGN):
                signal.signal(number, self._signalled)

    def reaches(self, server: _Server) -> None:
        """Have ``server`` stopped from now on."""
        self._server = server

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        if number == signal.SIGINT:  # A second Ctrl-C does not wait.
            signal.signal(number, signal.SIG_DFL)
        if self._server is not None:
            self._server.stop()


def _written_down(port: int, token: str) -> Runtime:
    created = psutil.Process().create_time()
    return Runtime(os.getpid(), created, port, token, __version__, time.time())
