"""A plugin's project as if it were installed, for processes that are started with it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

__all__ = ["offered"]


def offered(project: Path) -> dict[str, str]:
    """Return an environment in which photofind finds the project's extractors."""
    described = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = described["name"], described["version"]
    metadata = project / "src" / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = described["entry-points"]["photofind.extractors"]
    lines = ["[photofind.extractors]", *(f"{key} = {value}" for key, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
