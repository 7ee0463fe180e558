"""A plugin project is tested as if it were installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

__all__ = ["run_own_tests"]


def run_own_tests(project: Path) -> str:
    """Run the project's tests, which must pass; return what pytest prints."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=_environment_with(project),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def _environment_with(project: Path) -> dict[str, str]:
    """Return an environment in which photofind finds the project's extractors."""
    declared = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = declared["name"], declared["version"]
    metadata = project / "src" / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = declared["entry-points"]["photofind.extractors"]
    lines = ["[photofind.extractors]", *(f"{key} = {value}" for key, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
