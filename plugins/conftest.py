"""Have photofind find the plugins of this repository, also where they are not installed.

What installing a plugin leaves for others to find, its metadata, is made of its ``pyproject.toml``
in a temporary folder, which child processes look into too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _offer(project: Path, metadata: Path) -> None:
    """Put a plugin on the path, with its metadata, unless it is installed."""
    described = tomllib.loads(project.read_text("utf-8"))["project"]
    name, version = described["name"], described["version"]
    try:
        distribution(name)
    except PackageNotFoundError:
        folder = metadata / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        lines = [
            f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in points.items())
            for group, points in described["entry-points"].items()
        ]
        (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
        _put_on_path(project.parent / "src")


def _put_on_path(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


_METADATA = Path(tempfile.mkdtemp(prefix="photofind-plugins-"))
atexit.register(shutil.rmtree, _METADATA, ignore_errors=True)
_put_on_path(_METADATA)
for _project in sorted(HERE.glob("*/pyproject.toml")):
    _offer(_project, _METADATA)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give all plugins' tests one home, seen by child processes too, to convert into once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home") / "photofind"
        patch.setenv("PHOTOFIND_HOME", str(folder))
        yield folder
