"""Make photofind find the plugins of this repository even if they are not installed.

The metadata that an installation would create is generated from ``pyproject.toml`` in a temporary
folder, which is on the path of child processes too.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

PROJECTS = sorted(Path(__file__).parent.glob("*/pyproject.toml"))

for _project in PROJECTS:  # For the tests' imports; the fixture is for photofind.
    sys.path.insert(0, str(_project.parent / "src"))
sys.path.append(str(Path(__file__).parents[1] / "tests"))  # For what the tests of photofind share.


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Register the plugins with photofind, and share one home, so that networks convert once.

    Both apply to child processes too, and not to the tests of other files that follow.
    """
    metadata = tmp_path_factory.mktemp("metadata")
    for project in PROJECTS:
        _write_metadata(project, metadata)
    paths = [str(metadata), *(str(project.parent / "src") for project in PROJECTS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(metadata))
        for path in reversed(paths):
            patch.setenv("PYTHONPATH", path, prepend=os.pathsep)
        folder = tmp_path_factory.mktemp("home") / "photofind"
        patch.setenv("PHOTOFIND_HOME", str(folder))
        yield folder


def _write_metadata(project: Path, folder: Path) -> None:
    """Write the metadata of a plugin, unless it is installed."""
    declared = tomllib.loads(project.read_text("utf-8"))["project"]
    name, version = declared["name"], declared["version"]
    try:
        distribution(name)
    except PackageNotFoundError:
        metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        lines = []
        for group, points in declared["entry-points"].items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
