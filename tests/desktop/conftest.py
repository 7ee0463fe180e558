"""A fixture for a screen; tests are skipped if its programs are not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from screen import NEEDED, Screen, need

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """An empty screen, with the session of a new user."""
    need(*NEEDED)
    with Screen(tmp_path / "screen") as screen:
        yield screen
        screen.picture("at-the-end")
