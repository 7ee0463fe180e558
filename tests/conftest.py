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

# What numba compiles, which takes a minute, is compiled once by all workers of a run.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
_NUMBA = Path(tempfile.gettempdir(), f"photofind-numba-{_RUN}")
os.environ["NUMBA_CACHE_DIR"] = str(_NUMBA)
_NUMBA.mkdir(mode=0o700, exist_ok=True)

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

    is_alone = request.node.get_closest_marker("alone") is not None
    place = Path(tempfile.gettempdir(), f"photofind-tests-{os.getuid()}.lock")
    with place.open("a+") as lock, place.with_suffix(".queue").open("a+") as queue:
        # While one waits to be alone no other begins: it would wait as long as there are others.
        fcntl.lockf(queue, fcntl.LOCK_EX)
        fcntl.lockf(lock, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        if not is_alone:
            fcntl.lockf(queue, fcntl.LOCK_UN)
        yield
