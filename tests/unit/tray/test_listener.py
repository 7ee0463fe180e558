"""The listener reports the daemon's states, and finds the daemon again without polling."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from waiting import patience, wait_until

from photofind.app.recent_searches import remember_search
from photofind.daemon.runtime import Runtime, remove_runtime, write_runtime
from photofind.errors import DaemonError
from photofind.model import DaemonStatus, Event, SearchStatus, Status
from photofind.paths import Home
from photofind.tray import listener as module
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState
from photofind.tray.listener import Listener

SEARCH = SearchStatus("none", 0, 0, None, "")
STATUS = Status(
    5,
    0,
    0,
    (),
    "mobilenet",
    SEARCH,
    "/",
    0,
    (),
    0,
    DaemonStatus(1, "", 0, None, False, None, None, ()),
)
LOST = object()


class FakeDaemon:
    """A daemon whose client yields the queued events."""

    def __init__(self) -> None:
        self.runs = False
        self.connects = 0
        self.status = STATUS
        self.queued: queue.Queue[Any] = queue.Queue()

    def connect(self, home: Home) -> Any:
        self.connects += 1
        if not self.runs:
            raise DaemonError("the daemon is not running")
        return FakeClient(self)


class FakeClient:
    def __init__(self, daemon: FakeDaemon) -> None:
        self._daemon = daemon
        self._queued = daemon.queued  # Its own: the next daemon has another.

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._queued.put(LOST)

    def status(self) -> Status:
        return self._daemon.status

    def events(self) -> Iterator[Event]:
        while (event := self._queued.get(timeout=patience(60))) is not LOST:
            if isinstance(event, Exception):
                raise event
            yield event
            if event.kind == "stopping":
                return


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon()


@pytest.fixture
def set_locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Sets whether a process holds the daemon's lock."""
    state = {"locked": False}
    monkeypatch.setattr(module, "is_running", lambda home: state["locked"])
    return lambda locked: state.update(locked=locked)


@pytest.fixture
def states() -> queue.Queue[DaemonState]:
    return queue.Queue()


@pytest.fixture
def recents() -> threading.Semaphore:
    return threading.Semaphore(0)


@pytest.fixture
def listening(
    home: Home,
    daemon: FakeDaemon,
    set_locked: object,
    states: queue.Queue[DaemonState],
    recents: threading.Semaphore,
) -> Iterator[Listener]:
    listener = Listener(home, states.put, lambda: recents.release(), connect=daemon.connect)
    listener.start()
    yield listener
    listener.close()


def appear(home: Home, daemon: FakeDaemon) -> None:
    daemon.queued = queue.Queue()
    daemon.runs = True
    write_runtime(home, Runtime(1, 0.0, 1, "", "", 0.0))


def expect(states: queue.Queue[DaemonState], wanted: DaemonState) -> None:
    assert states.get(timeout=patience(30)) == wanted


def test_it_waits_for_the_daemon_and_reports_its_states(
    listening: Listener, home: Home, daemon: FakeDaemon, states: queue.Queue[DaemonState]
) -> None:
    expect(states, NOT_RUNNING)
    appear(home, daemon)
    while (state := states.get(timeout=patience(30))) == NOT_RUNNING:
        pass
    assert state == DaemonState.from_status(STATUS)
    counts = {"photos": 9, "preliminary": 0, "failed": 0, "revision": 1}
    daemon.queued.put(Event("library", counts))
    expect(states, replace(DaemonState.from_status(STATUS), photos=9))
    daemon.queued.put(Event("library", counts))  # Nothing changed: not reported again.
    daemon.runs = False
    daemon.queued.put(Event("stopping", None))
    expect(states, NOT_RUNNING)


def test_it_finds_the_next_daemon(
    listening: Listener, home: Home, daemon: FakeDaemon, states: queue.Queue[DaemonState]
) -> None:
    for _ in range(3):
        appear(home, daemon)
        while states.get(timeout=patience(30)) == NOT_RUNNING:
            pass
        daemon.runs = False
        daemon.queued.put(LOST)
        expect(states, NOT_RUNNING)
        remove_runtime(home)


def test_without_a_daemon_it_does_not_poll(
    listening: Listener, daemon: FakeDaemon, states: queue.Queue[DaemonState]
) -> None:
    expect(states, NOT_RUNNING)
    with pytest.raises(queue.Empty):
        states.get(timeout=1.5)
    assert daemon.connects == 1


@pytest.mark.parametrize("trouble", [LOST, DaemonError("no answer"), KeyError("photos")])
def test_a_failing_daemon_is_tried_again(
    home: Home,
    daemon: FakeDaemon,
    set_locked: Callable[[bool], None],
    states: queue.Queue[DaemonState],
    trouble: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.05)
    set_locked(True)
    daemon.runs = True
    daemon.queued.put(trouble)
    listener = Listener(home, states.put, connect=daemon.connect)
    listener.start()
    try:
        for wanted in (
            DaemonState.from_status(STATUS),
            NOT_RUNNING,
            DaemonState.from_status(STATUS),
        ):
            expect(states, wanted)
    finally:
        listener.close()


def test_some_events_cause_a_status_request(
    home: Home, daemon: FakeDaemon, set_locked: object, states: queue.Queue[DaemonState]
) -> None:
    daemon.runs = True
    listener = Listener(home, states.put, connect=daemon.connect)
    listener.start()
    try:
        expect(states, DaemonState.from_status(STATUS))
        daemon.status = replace(STATUS, problems=("the disk is full",))
        daemon.queued.put(Event("notice", {"topic": "problem", "text": "the disk is full"}))
        expect(states, DaemonState.from_status(daemon.status))
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("last", "leaves_file", "dies"),
    [
        (LOST, True, True),
        (LOST, False, False),
        (Event("stopping", None), True, False),
    ],
)
def test_a_daemon_that_died_is_told_from_one_that_was_stopped(
    home: Home,
    daemon: FakeDaemon,
    set_locked: Callable[[bool], None],
    states: queue.Queue[DaemonState],
    monkeypatch: pytest.MonkeyPatch,
    last: object,
    leaves_file: bool,
    dies: bool,
) -> None:
    monkeypatch.setattr(module, "_STOP_WAIT", 0.01)
    deaths: list[str] = []
    appear(home, daemon)
    listener = Listener(
        home, states.put, on_death=lambda: deaths.append("died"), connect=daemon.connect
    )
    listener.start()
    try:
        expect(states, DaemonState.from_status(STATUS))
        if not leaves_file:
            remove_runtime(home)
        daemon.runs = False
        daemon.queued.put(last)
        expect(states, NOT_RUNNING)
        if dies:
            wait_until(lambda: deaths)
        elif not leaves_file:  # That wakes it, too.
            wait_until(lambda: daemon.connects > 1)
        appear(home, daemon)  # It is looked for again only after that.
        while states.get(timeout=patience(30)) == NOT_RUNNING:
            pass
        assert deaths == ["died"] * dies
    finally:
        listener.close()


def test_searches_are_reported(
    listening: Listener, home: Home, recents: threading.Semaphore
) -> None:
    remember_search(home, ["/a.jpg"])
    assert recents.acquire(timeout=patience(30))


def test_nothing_is_reported_after_close(
    home: Home, daemon: FakeDaemon, set_locked: object, states: queue.Queue[DaemonState]
) -> None:
    daemon.runs = True
    listener = Listener(home, states.put, connect=daemon.connect)
    listener.start()
    expect(states, DaemonState.from_status(STATUS))
    listener.close()
    assert states.empty()
