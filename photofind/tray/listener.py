"""Listens to the daemon, and to its coming and going, without ever asking again and again."""

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
from photofind.errors import PhotofindError
from photofind.paths import Home, private_folder
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

__all__ = ["Listener"]

_RUNTIME = "runtime.json"
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds until the next try with a daemon that is there and does not answer as it should."""

_log = logging.getLogger(__name__)


class Listener:
    """Tells of each state of the daemon of a home, from a thread.

    A daemon that starts writes its runtime file, and one that goes takes it away, so that file is
    watched while there is none to listen to.

    Parameters
    ----------
    on_state
        Called with the state at first and after everything that happens.
    on_recent
        Called when there was another search.
    connect
        Returns a client of the daemon that runs.
    """

    def __init__(
        self,
        home: Home,
        on_state: Callable[[DaemonState], None],
        on_recent: Callable[[], None] = lambda: None,
        connect: Callable[[Home], Client] = connect_to_running,
    ) -> None:
        self._home = home
        self._on_state = on_state
        self._on_recent = on_recent
        self._connect = connect
        self._changed = threading.Event()
        self._client: Client | None = None
        self._ends = threading.Event()
        self._observer: BaseObserver | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._observer = self._watch()
        self._thread.start()

    def close(self) -> None:
        """End it; nothing is told after this returns."""
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
            try:
                self._listen()
                wait = _FIRST_WAIT
            except PhotofindError as error:
                _log.debug("no daemon to listen to: %s", error)
            except Exception:  # noqa: BLE001 - Another version may tell what this one cannot read.
                _log.exception("what the daemon tells is not understood")
            self._tell(NOT_RUNNING)
            # Whatever became of the runtime file since the loop began is looked at at once. One
            # that is there and does not answer, or is about to end, is tried again later.
            there = is_running(self._home)
            self._changed.wait(wait if there else None)
            wait = min(2 * wait, _LONGEST_WAIT) if there else _FIRST_WAIT

    def _listen(self) -> None:
        """Tell what the daemon tells, until it goes.

        Raises
        ------
        DaemonError
            There is none.
        """
        with self._connect(self._home) as client:
            self._client = client
            if self._ends.is_set():
                return
            events = client.events()  # First, so that nothing is missed.
            state = DaemonState.from_status(client.status())
            self._tell(state)
            for event in events:
                before, state = state, state.after(event)
                settled = before.activity and not state.activity
                if event.kind in ("notice", "folders") or settled:
                    state = DaemonState.from_status(client.status())
                if state != before:
                    self._tell(state)
        self._client = None

    def _tell(self, state: DaemonState) -> None:
        if not self._ends.is_set():
            self._on_state(state)

    def _watch(self) -> BaseObserver:
        """Watch the folder of the home for the two files in it that matter here."""
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
        with suppress(OSError):  # At inotify's limits there is no watching; the menu can restart.
            observer.schedule(
                Handler(), str(private_folder(self._home.root)), event_filter=list(kinds)
            )
        observer.start()
        return observer
