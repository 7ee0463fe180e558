"""Following the daemon's state, including its start and end, without polling."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from photofind.app.recent_searches import FILE as RECENT
from photofind.daemon.client import Client, connect_to_running
from photofind.daemon.instance import is_running
from photofind.daemon.listeners import STOPPING
from photofind.daemon.runtime import read_runtime
from photofind.errors import PhotofindError
from photofind.paths import Home, private_folder
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

__all__ = ["Listener"]

_RUNTIME = "runtime.json"
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds until the next attempt to connect to a running daemon that does not answer."""
_STOP_WAIT = 1.0  # Seconds in which who has stopped the daemon removes what it left.

_log = logging.getLogger(__name__)


class Listener:
    """Reports each state of the daemon of a home, from a thread.

    The daemon writes its runtime file when it starts and removes it when it ends, so that file is
    watched while no daemon is running.

    Parameters
    ----------
    on_state
        Called with the initial state and after every change.
    on_recent
        Called after another search.
    on_death
        Called after the daemon ended without being stopped.
    connect
        Returns a client of the running daemon.
    """

    def __init__(
        self,
        home: Home,
        on_state: Callable[[DaemonState], None],
        on_recent: Callable[[], None] = lambda: None,
        on_death: Callable[[], None] = lambda: None,
        connect: Callable[[Home], Client] = connect_to_running,
    ) -> None:
        self._home = home
        self._on_state = on_state
        self._on_recent = on_recent
        self._on_death = on_death
        self._connect = connect
        self._changed = threading.Event()
        self._client: Client | None = None
        self._ends = threading.Event()
        self._observer: BaseObserver | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._observer = self._watch()
        self._thread.start()

    def close(self) -> None:
        """Stop listening; nothing is reported after this returns."""
        self._ends.set()
        self._changed.set()
        if client := self._client:
            client.close()
        self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while not self._ends.is_set():
            self._changed.clear()
            was_lost = False
            try:
                was_lost = self._listen()
                wait = _FIRST_WAIT
            except PhotofindError as error:
                _log.debug("the daemon cannot be followed: %s", error)
            except Exception:  # noqa: BLE001 - Another version may send other data.
                _log.exception("the daemon's answer could not be understood")
            self._report(NOT_RUNNING)
            if was_lost and self._has_died():
                self._on_death()
            # A change of the runtime file since the loop began is handled at once. A daemon that is
            # running but does not answer, or is about to end, is tried again later.
            running = is_running(self._home)
            self._changed.wait(wait if running else None)
            wait = min(2 * wait, _LONGEST_WAIT) if running else _FIRST_WAIT

    def _has_died(self) -> bool:
        """Return whether the daemon has ended and left its runtime file, which stopping removes."""
        self._ends.wait(_STOP_WAIT)
        return not (
            self._ends.is_set() or is_running(self._home) or read_runtime(self._home) is None
        )

    def _listen(self) -> bool:
        """Report the daemon's states until it ends; return whether it does not say that it stops.

        Raises
        ------
        DaemonError
            If no daemon is running.
        """
        with self._connect(self._home) as client:
            self._client = client
            if self._ends.is_set():
                return False
            is_stopping = False
            events = client.events()  # Before the status, so that no event is missed.
            state = DaemonState.from_status(client.status())
            self._report(state)
            for event in events:
                is_stopping = event == STOPPING
                before, state = state, state.after(event)
                settled = before.activity and not state.activity
                if event.kind in ("notice", "folders") or settled:
                    state = DaemonState.from_status(client.status())
                if state != before:
                    self._report(state)
        self._client = None
        return not is_stopping

    def _report(self, state: DaemonState) -> None:
        if not self._ends.is_set():
            self._on_state(state)

    def _watch(self) -> BaseObserver:
        """Watch the home for its runtime file and the recent searches."""
        from watchdog import events
        from watchdog.observers import Observer

        listener = self

        class Handler(events.FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                names = {PurePath(str(path)).name for path in (event.src_path, event.dest_path)}
                if _RUNTIME in names:
                    listener._changed.set()
                if RECENT in names:
                    listener._on_recent()

        kinds = (events.FileMovedEvent, events.FileCreatedEvent, events.FileDeletedEvent)
        observer = Observer()
        with suppress(OSError):  # At inotify's limits nothing is watched.
            observer.schedule(
                Handler(), str(private_folder(self._home.root)), event_filter=list(kinds)
            )
        observer.start()
        return observer
