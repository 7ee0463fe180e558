"""The listener: it tells what the daemon tells, and finds the daemon again without asking."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from waiting import patience

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
    """A daemon whose client tells what the test has it tell."""

    def __init__(self) -> None:
        self.runs = False
        self.connects = 0
        self.status = STATUS
        self.told: queue.Queue[Any] = queue.Queue()

    def connect(self, home: Home) -> Any:
        self.connects += 1
        if not self.runs:
            raise DaemonError("the daemon is not running")
        return FakeClient(self)


class FakeClient:
    def __init__(self, daemon: FakeDaemon) -> None:
        self._daemon = daemon

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._daemon.told.put(LOST)

    def status(self) -> Status:
        return self._daemon.status

    def events(self) -> Iterator[Event]:
        while (event := self._daemon.told.get(timeout=patience(60))) is not LOST:
            if isinstance(event, Exception):
                raise event
            yield event
            if event.kind == "stopping":
                return


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether a process has the lock of the daemon."""
    state = {"held": False}
    monkeypatch.setattr(module, "is_running", lambda home: state["held"])
    return lambda is_held: state.update(held=is_held)


@pytest.fixture
def told() -> queue.Queue[DaemonState]:
    return queue.Queue()


@pytest.fixture
def recents() -> threading.Semaphore:
    return threading.Semaphore(0)


@pytest.fixture
def listening(
    home: Home,
    daemon: FakeDaemon,
    held: object,
    told: queue.Queue[DaemonState],
    recents: threading.Semaphore,
) -> Iterator[Listener]:
    listener = Listener(home, told.put, lambda: recents.release(), connect=daemon.connect)
    listener.start()
    yield listener
    listener.close()


def appear(home: Home, daemon: FakeDaemon) -> None:
    daemon.told = queue.Queue()
    daemon.runs = True
    write_runtime(home, Runtime(1, 0.0, 1, "", "", 0.0))


def expect(told: queue.Queue[DaemonState], wanted: DaemonState) -> None:
    assert told.get(timeout=patience(30)) == wanted


def test_it_waits_for_the_daemon_and_tells_what_it_tells(
    listening: Listener, home: Home, daemon: FakeDaemon, told: queue.Queue[DaemonState]
) -> None:
    expect(told, NOT_RUNNING)
    appear(home, daemon)
    while (state := told.get(timeout=patience(30))) == NOT_RUNNING:
        pass
    assert state == DaemonState.of(STATUS)
    counts = {"photos": 9, "preliminary": 0, "failed": 0, "revision": 1}
    daemon.told.put(Event("library", counts))
    expect(told, replace(DaemonState.of(STATUS), photos=9))
    daemon.told.put(Event("library", counts))  # Nothing new: not told again.
    daemon.runs = False
    daemon.told.put(Event("stopping", None))
    expect(told, NOT_RUNNING)


def test_it_finds_the_next_daemon(
    listening: Listener, home: Home, daemon: FakeDaemon, told: queue.Queue[DaemonState]
) -> None:
    for _ in range(3):
        appear(home, daemon)
        while told.get(timeout=patience(30)) == NOT_RUNNING:
            pass
        daemon.runs = False
        daemon.told.put(LOST)
        expect(told, NOT_RUNNING)
        remove_runtime(home)


def test_without_a_daemon_it_does_not_ask_again(
    listening: Listener, daemon: FakeDaemon, told: queue.Queue[DaemonState]
) -> None:
    expect(told, NOT_RUNNING)
    with pytest.raises(queue.Empty):
        told.get(timeout=1.5)
    assert daemon.connects == 1


@pytest.mark.parametrize("trouble", [LOST, DaemonError("no answer"), KeyError("photos")])
def test_one_that_is_there_and_fails_is_tried_again(
    home: Home,
    daemon: FakeDaemon,
    held: Callable[[bool], None],
    told: queue.Queue[DaemonState],
    trouble: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.05)
    held(True)
    daemon.runs = True
    daemon.told.put(trouble)
    listener = Listener(home, told.put, connect=daemon.connect)
    listener.start()
    try:
        for wanted in (DaemonState.of(STATUS), NOT_RUNNING, DaemonState.of(STATUS)):
            expect(told, wanted)
    finally:
        listener.close()


def test_after_what_may_have_changed_more_it_asks_for_the_status(
    home: Home, daemon: FakeDaemon, held: object, told: queue.Queue[DaemonState]
) -> None:
    daemon.runs = True
    listener = Listener(home, told.put, connect=daemon.connect)
    listener.start()
    try:
        expect(told, DaemonState.of(STATUS))
        daemon.status = replace(STATUS, problems=("the disk is full",))
        daemon.told.put(Event("notice", {"topic": "problem", "text": "the disk is full"}))
        expect(told, DaemonState.of(daemon.status))
    finally:
        listener.close()


def test_it_tells_of_other_searches(
    listening: Listener, home: Home, recents: threading.Semaphore
) -> None:
    remember_search(home, ["/a.jpg"])
    assert recents.acquire(timeout=patience(30))


def test_closed_it_tells_nothing_more(
    home: Home, daemon: FakeDaemon, held: object, told: queue.Queue[DaemonState]
) -> None:
    daemon.runs = True
    listener = Listener(home, told.put, connect=daemon.connect)
    listener.start()
    expect(told, DaemonState.of(STATUS))
    listener.close()
    assert told.empty()
