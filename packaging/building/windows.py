"""The archive for Windows, to which winget's manifest leads; Windows alone can build it."""

from __future__ import annotations

import shutil
from pathlib import Path

from building.interpreter import standalone
from building.project import run, version
from building.tree import install_photofind

__all__ = ["build_windows_archive"]

# The command finds its interpreter by where it lies itself, so the folder can be moved.
_MAKE_COMMAND = """\
import sys
from pip._vendor.distlib.scripts import ScriptMaker
maker = ScriptMaker(None, sys.argv[1])
maker.executable = r"<launcher_dir>\\..\\python.exe"
maker.variants = {""}
maker.make("photofind = photofind.cli:main")
"""


def build_windows_archive(python: str, wheel: Path, workplace: Path, destination: Path) -> Path:
    """Build the archive; return its path.

    Parameters
    ----------
    python
        The version of python-build-standalone's interpreter.
    wheel
        photofind's.
    workplace, destination
        Where the tree is made, and where the archive goes.
    """
    tree = workplace / "photofind"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(standalone(python, workplace / "standalone"), tree)
    (tree / "Lib" / "EXTERNALLY-MANAGED").unlink(missing_ok=True)
    for name in ("test", "idlelib", "turtledemo"):
        shutil.rmtree(tree / "Lib" / name, ignore_errors=True)
    interpreter = tree / "python.exe"
    install_photofind(interpreter, wheel)
    scripts = tree / "Scripts"
    shutil.rmtree(scripts, ignore_errors=True)
    scripts.mkdir()
    run([interpreter, "-c", _MAKE_COMMAND, scripts])
    destination.mkdir(parents=True, exist_ok=True)
    archive = destination / f"photofind-{version()}-windows-x86_64"
    return Path(shutil.make_archive(str(archive), "zip", workplace, "photofind"))
