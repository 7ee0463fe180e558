"""The documented ways of asking the daemon work, and keep the token out of command lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_library import TOKEN, Served, serving

from photofind.paths import Home

API = (Path(__file__).parents[2] / "docs/reference/api.md").read_text("utf-8")
OVER_HTTP = API.partition("## Over HTTP")[2].partition("\n## ")[0]


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    with serving(home) as served:
        yield served


def code(language: str) -> str:
    found = re.search(f"```{language}\n(.*?)```", OVER_HTTP, re.DOTALL)
    assert found
    return found[1]


def noting(folder: Path, name: str) -> None:
    """Put a program before the one of the same name, which notes its arguments."""
    real = shutil.which(name)
    if real is None:
        pytest.skip(f"{name} is not installed")
    program = folder / name
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "{name}" "$@" >> "{folder}/noted"\nexec "{real}" "$@"\n'
    )
    program.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the example is for a POSIX shell")
def test_with_curl(served: Served, home: Home, tmp_path: Path) -> None:
    for name in ("curl", "jq"):
        noting(tmp_path, name)
    environment = {
        **os.environ, "PHOTOFIND_HOME": str(home.root), "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }  # fmt: skip
    subprocess.run(["sh", "-c", code("sh")], env=environment, capture_output=True, check=False)
    assert [name for name, _ in served.library.asked] == ["similar"]  # It was let in.
    noted = (tmp_path / "noted").read_text("utf-8")
    assert {"curl", "jq"} <= set(noted.splitlines())
    assert TOKEN not in noted


def test_with_python(served: Served, home: Home) -> None:
    environment = {**os.environ, "PHOTOFIND_HOME": str(home.root)}
    command = [sys.executable, "-c", code("python")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "2\n"
