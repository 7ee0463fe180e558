"""What every test gets: a home of its own, and no way to the real one."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from photofind.paths import Home

# How long something takes tells how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in a temporary folder, which child processes see too."""
    root: Path = tmp_path_factory.mktemp("home") / "photofind"
    monkeypatch.setenv("PHOTOFIND_HOME", str(root))
    return Home(root)


@pytest.fixture(autouse=True)
def beside_others(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep tests marked ``alone`` from running beside others, on whichever xdist worker."""
    if sys.platform == "win32":  # No test there is marked.
        yield
        return
    import fcntl

    mode = fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH
    with Path(tempfile.gettempdir(), f"photofind-tests-{os.getuid()}.lock").open("a+") as lock:
        fcntl.lockf(lock, mode)
        yield
