"""Threads and processes take turns at decoding."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from waiting import patience

from photofind.errors import PassingImageError
from photofind.images import turns
from photofind.images.cost import Cost
from photofind.images.turns import VERY_LARGE, Room, Turns

LARGE, SMALL = Cost(1, VERY_LARGE + 1), Cost(1, 1000)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def hold(turns: Turns, cost: Cost, entered: threading.Event, leave: threading.Event) -> None:
    with turns.take(cost):
        entered.set()
        assert leave.wait(patience())


@pytest.mark.parametrize("same", [True, False])
def test_one_very_large_picture_at_a_time(tmp_path: Path, pool, same):
    first = Turns(10**10, tmp_path / "turn")
    second = first if same else Turns(10**10, tmp_path / "turn")  # As in another process.
    entered, leave, after = threading.Event(), threading.Event(), threading.Event()
    one = pool.submit(hold, first, LARGE, entered, leave)
    assert entered.wait(patience())
    other = pool.submit(hold, second, LARGE, after, leave)
    with second.take(SMALL):
        assert not after.wait(0.3)
    leave.set()
    assert one.result(patience()) is other.result(patience()) is None
    assert after.is_set()


def test_a_turn_that_does_not_come_passes(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(turns, "_LONGEST_WAIT", 0.1)
    with (
        FileLock(tmp_path / "turn"),
        pytest.raises(PassingImageError, match="waited too long"),
        Turns(10**10, tmp_path / "turn").take(LARGE),
    ):
        pass


def test_threads_share_the_memory_of_their_process(pool):
    room = Room(100)
    entered = [threading.Event() for _ in range(3)]
    leave = threading.Event()

    def take(place: int, size: int) -> None:
        with room.take(size):
            entered[place].set()
            assert leave.wait(patience())

    first = pool.submit(take, 0, 60)
    assert entered[0].wait(patience())
    rest = [pool.submit(take, 1, 60), pool.submit(take, 2, 30)]
    assert entered[2].wait(patience())
    assert not entered[1].is_set()
    leave.set()
    for one in (first, *rest):
        one.result(patience())


def test_more_than_there_is_is_taken_alone():
    with Room(100).take(1000):
        pass
