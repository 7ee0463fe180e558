"""A pause ends when it was to end, whatever is done to the clock."""

from __future__ import annotations

import math
import time

import pytest

from photofind.daemon import pausing as kept
from photofind.indexing import pausing
from photofind.indexing.pausing import Pause
from photofind.paths import Home


class Clocks:
    """The system's clock, which is set, and the monotonic one, which is not."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_700_000_000.0, 50.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(pausing, "time", clocks)
    monkeypatch.setattr(kept, "time", clocks)
    return clocks


def test_a_pause_survives_a_clock_that_is_set_back(clocks: Clocks) -> None:
    pause = Pause()
    until = clocks.wall + 600
    pause.pause(until)
    assert pause.paused_until == until
    clocks.go_on(300)
    clocks.wall -= 86400
    assert pause.paused
    assert pause.seconds == 300
    assert pause.paused_until == clocks.wall + 300
    clocks.go_on(301)
    assert not pause.paused
    assert pause.paused_until is None


def test_a_pause_goes_on_while_the_machine_sleeps(clocks: Clocks) -> None:
    pause = Pause()
    pause.pause(clocks.wall + 600)
    clocks.wall += 601
    assert not pause.paused


def test_a_pause_without_an_end_has_none(clocks: Clocks) -> None:
    pause = Pause()
    pause.pause(math.inf)
    clocks.wall -= 86400
    assert pause.paused
    assert pause.paused_until is None
    pause.resume()
    assert not pause.paused


def test_a_kept_pause_survives_a_clock_that_is_set_back(home: Home, clocks: Clocks) -> None:
    home.root.mkdir(exist_ok=True)
    kept.remember_pause(home, clocks.wall + 600)
    assert kept.paused_until(home) == clocks.wall + 600
    clocks.wall -= 86400
    assert kept.paused_until(home) == clocks.wall + 600


@pytest.mark.parametrize(
    "written", ["", "[]", "[" * 100_000, '{"until": "soon"}', '{"until": 1e999, "since": []}']
)
def test_a_file_that_cannot_be_understood_is_no_pause(home: Home, written: str) -> None:
    home.root.mkdir(exist_ok=True)
    (home.root / "pause.json").write_text(written)
    assert kept.paused_until(home) is None


def test_a_file_of_an_older_photofind_is_understood(home: Home) -> None:
    home.root.mkdir(exist_ok=True)
    until = time.time() + 60
    (home.root / "pause.json").write_text(f'{{"until": {until}}}')
    assert kept.paused_until(home) == until
