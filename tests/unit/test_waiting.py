"""The waits of the tests give more time as the machine gets busy, and end all the same."""

from __future__ import annotations

import os

import pytest
from waiting import patience, wait_until


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="Windows does not tell its load")
@pytest.mark.parametrize(("load", "seconds"), [(0.1, 10), (2, 10), (12, 60), (1000, 80)])
def test_patience_grows_with_the_load(
    monkeypatch: pytest.MonkeyPatch, load: float, seconds: float
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert patience(10) == seconds


def test_what_happens_is_returned() -> None:
    left = [3, 2, 1]
    assert wait_until(lambda: left.pop() > 2 and "three", pause=0) == "three"


def test_what_does_not_happen_is_named() -> None:
    with pytest.raises(AssertionError, match=r"the moon did not happen within \d+ s"):
        wait_until(lambda: None, "the moon", seconds=0.01, pause=0.001)
