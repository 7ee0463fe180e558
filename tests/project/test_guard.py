"""A run that would test two copies of photofind at once is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collect(*, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Collect a few tests, where child processes look into ``path`` first."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "tests/unit/test_paths.py"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_this_checkout_is_tested() -> None:
    assert collect().returncode == 0


def test_another_copy_is_refused_with_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    copy = tmp_path / "photofind/__init__.py"
    copy.parent.mkdir()
    copy.touch()
    refused = collect(path=tmp_path)
    assert refused.returncode == 4  # As pytest calls a usage error.
    assert refused.stdout == ""
    (line,) = refused.stderr.strip().splitlines()
    assert str(copy) in line
    assert str(ROOT / "photofind/__init__.py") in line
    assert "python -m pip install -e '.[test]'" in line
