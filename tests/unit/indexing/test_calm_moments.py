"""What was left for calm moments is done in one, and in no other."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from photofind.indexing.index_maintenance import maintainer as maintaining
from photofind.indexing.index_maintenance.maintainer import CALM_SECONDS, IndexMaintainer
from photofind.paths import Home


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(maintaining, "time", clock)
    monkeypatch.setattr(maintaining, "on_battery", lambda: False)
    return clock


@pytest.fixture
def indexer() -> Mock:
    return Mock(idle=True, paused=False, spaces=[])


@pytest.fixture
def spare() -> Mock:
    """Does what was left, at the first call."""
    return Mock(return_value=True)


@pytest.fixture
def maintainer(tmp_path: Path, clock: Clock, indexer: Mock, spare: Mock) -> IndexMaintainer:
    store = Mock()
    store.verify.return_value = 0
    made = IndexMaintainer(store, Home(tmp_path), indexer, Mock(), lambda: 1e6, spare=spare)
    made._use_quiet_moment()  # The indexes are looked at first.
    return made


def test_what_was_left_is_done_once_when_no_query_came_for_some_time(
    maintainer: IndexMaintainer, clock: Clock, spare: Mock
) -> None:
    clock.now += 2 * CALM_SECONDS
    maintainer._use_quiet_moment()
    assert not spare.called, "nothing was left"
    maintainer.queried()
    maintainer.left_something()
    wait = maintainer._seconds_to_wait()
    assert wait == pytest.approx(CALM_SECONDS)
    maintainer._use_quiet_moment()
    assert not spare.called, "a query just came"
    clock.now += 0.9 * CALM_SECONDS
    maintainer.queried()
    clock.now += 0.9 * CALM_SECONDS
    maintainer._use_quiet_moment()
    assert not spare.called, "each query begins the time anew"
    clock.now += 0.2 * CALM_SECONDS
    assert maintainer._seconds_to_wait() == pytest.approx(0.1)
    for _ in range(2):
        maintainer._use_quiet_moment()
    spare.assert_called_once_with()


def test_it_is_gone_on_with_until_it_says_that_it_is_all(
    maintainer: IndexMaintainer, clock: Clock, spare: Mock
) -> None:
    spare.side_effect = [False, False, True]
    maintainer.left_something()
    clock.now += 2 * CALM_SECONDS
    for _ in range(5):
        maintainer._use_quiet_moment()
    assert spare.call_count == 3


def test_indexing_a_pause_and_the_battery_come_first(
    maintainer: IndexMaintainer,
    clock: Clock,
    indexer: Mock,
    spare: Mock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maintainer.left_something()
    clock.now += 2 * CALM_SECONDS
    indexer.idle = False
    maintainer._use_quiet_moment()
    indexer.idle, indexer.paused = True, True
    maintainer._use_quiet_moment()
    indexer.paused = False
    monkeypatch.setattr(maintaining, "on_battery", lambda: True)
    maintainer._use_quiet_moment()
    assert not spare.called
    monkeypatch.setattr(maintaining, "on_battery", lambda: False)
    maintainer._use_quiet_moment()
    spare.assert_called_once_with()
