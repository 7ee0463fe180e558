"""What the project says of itself, and how the builders run their tools."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["PACKAGING", "ROOT", "epoch", "project", "run", "tool", "version"]

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


def project() -> dict[str, object]:
    """Return the table ``project`` of ``pyproject.toml``."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    return table


def version() -> str:
    """Return photofind's version."""
    return str(project()["version"])


def epoch() -> int:
    """Return the time of the commit, in seconds, which stands in everything that is built."""
    return int(run(["git", "log", "-1", "--format=%ct"], cwd=ROOT))


def tool(name: str) -> str:
    """Return the path of a program that was installed beside this Python, or its bare name."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program, and return what it prints; what it says of errors is shown.

    Raises
    ------
    SystemExit
        If it fails, or is not installed.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
    except FileNotFoundError:
        sys.exit(f"{words[0]} is not installed; packaging/README.md says what the build needs")
    if done.returncode:
        sys.exit(f"{done.stdout}\n{words[0]} failed with {done.returncode}: {' '.join(words)}")
    return done.stdout
