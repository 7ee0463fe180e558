"""The tree below /opt/photofind: an interpreter, photofind in it, and the command."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from building.interpreter import binaries, unpack_interpreter
from building.project import PACKAGING, epoch, run, tool

__all__ = ["LOCK", "build_tree", "install_photofind", "newest_c_library"]

LOCK = PACKAGING / "pylock.toml"
_WITH_TESTS = ("numba", "numpy", "scipy", "sklearn")
"""Packages that hold their own tests, a tenth of the tree; nothing imports them."""


def build_tree(tree: Path, interpreter: str, wheel: Path) -> None:
    """Build the tree anew.

    Parameters
    ----------
    tree
        Its folder, which is replaced.
    interpreter
        As :func:`building.interpreter.unpack_interpreter` takes it.
    wheel
        photofind's. What it depends on is installed from the lock, with checksums.
    """
    shutil.rmtree(tree, ignore_errors=True)
    python = unpack_interpreter(interpreter, tree)
    install_photofind(python, wheel)
    _keep_commands(tree, python)
    packages = tree / "lib" / python.name / "site-packages"
    for name in _WITH_TESTS:
        for tests in [*packages.glob(f"{name}/**/tests")]:
            shutil.rmtree(tests)
    shutil.copy(PACKAGING / "linux" / "sitecustomize.py", tree / "lib" / python.name)
    # Unchecked: neither the time of a file nor its content is looked at when photofind starts.
    compilation = ["-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch())}
    run([python, *compilation, tree / "lib" / python.name], environment=environment)


def install_photofind(python: Path, wheel: Path) -> None:
    """Install photofind's wheel, and what it depends on by the lock, for an interpreter."""
    install = [tool("uv"), "pip", "install", "--quiet", "--break-system-packages", "--no-config"]
    install += ["--link-mode", "copy", "--python", python]
    run([*install, "--requirements", LOCK])
    run([*install, "--no-deps", wheel])


def newest_c_library(tree: Path) -> str:
    """Return the least version of glibc that everything in the tree works with, such as 2.28."""
    named = re.compile(rb"GLIBC_2\.(\d+)")
    minors = {int(found) for path in binaries(tree) for found in named.findall(path.read_bytes())}
    return f"2.{max(minors)}"


def _keep_commands(tree: Path, python: Path) -> None:
    """Leave the interpreter and photofind in ``bin``; other scripts hold where they were built."""
    kept = {python.name, "python3", "python"}
    for path in (tree / "bin").iterdir():
        if path.name not in kept:
            path.unlink()
    command = tree / "bin" / "photofind"
    shutil.copy(PACKAGING / "linux" / "photofind.sh", command)
    command.chmod(0o755)
