"""The command ``photofind`` in a process of its own, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from waiting import patience

from photofind.cli import main

__all__ = ["COMMAND", "Album", "Outcome", "environment", "photofind", "photofind_here"]

COMMAND = (sys.executable, "-m", "photofind")


@dataclass(frozen=True)
class Outcome:
    """What came of a command: its exit code and the bytes that it wrote."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def lines(self) -> list[str]:
        """What it wrote to stdout, without the ends of lines."""
        return self.stdout.decode().splitlines()

    @property
    def notes(self) -> list[str]:
        """What it wrote to stderr, without the ends of lines."""
        return self.stderr.decode().splitlines()

    @property
    def json(self) -> Any:
        """What it wrote to stdout, as the JSON document that it is."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Album:
    """An indexed library, and where its photos are; tests leave both as they are."""

    home: Path
    photos: Path
    indexed: Outcome

    def path(self, name: str) -> str:
        """Return the absolute path of a photo."""
        return str(self.photos / name)


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """Return the environment of a command: that of the test, with the home that is given.

    Commands work in their own process, unless ``PHOTOFIND_NO_DAEMON`` is given as empty.
    """
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    own = {"PHOTOFIND_NO_DAEMON": "1"} | ({"PHOTOFIND_HOME": str(home)} if home else {})
    return plain | own | more


def photofind(*arguments: str | bytes | Path, home: Path | None = None, **options: Any) -> Outcome:
    """Run ``photofind`` with arguments, in the test's own home where none is given."""
    options.setdefault("env", environment(home))
    options.setdefault("timeout", patience(120))
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, **options)
    return Outcome(done.returncode, done.stdout, done.stderr)


def photofind_here(*arguments: str | Path, **more: str) -> Outcome:
    """Run ``photofind`` in this process, which costs no start of Python, in the test's own home.

    ``more`` are environment variables; as for :func:`environment`.
    """
    env = {"PHOTOFIND_NO_DAEMON": "1"} | more
    done = CliRunner().invoke(main, [*map(str, arguments)], env=env)
    return Outcome(done.exit_code, done.stdout_bytes, done.stderr_bytes)
