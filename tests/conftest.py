"""What every test gets: a home of its own, and no way to the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from photofind.paths import Home


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in a temporary folder, which child processes see too."""
    root: Path = tmp_path_factory.mktemp("home") / "photofind"
    monkeypatch.setenv("PHOTOFIND_HOME", str(root))
    return Home(root)
