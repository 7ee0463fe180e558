"""A screen for each test that asks for one; where its programs are absent, the test is skipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from screen import NEEDED, Screen, need

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """An empty screen, with the session of a person who has just been given an account."""
    need(*NEEDED)
    with Screen(tmp_path / "screen") as screen:
        yield screen
        screen.picture("at-the-end")
