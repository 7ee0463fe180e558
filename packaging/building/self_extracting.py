"""One file that installs itself for a user or for all, on any Linux, by makeself."""

from __future__ import annotations

import os
import platform
import shutil
from datetime import UTC, datetime
from pathlib import Path

from building.project import PACKAGING, epoch, run, version

__all__ = ["build_self_extracting"]


def build_self_extracting(tree: Path, usr: Path, destination: Path) -> Path:
    """Build the file; return its path."""
    content = tree.parent / "run"
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir()
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(PACKAGING / "linux" / "run" / name, content)
        (content / name).chmod(0o755)
    # Links to the files, not copies: they are only packed.
    shutil.copytree(tree, content / "photofind", symlinks=True, copy_function=os.link)
    shutil.copytree(usr, content / "usr", symlinks=True, copy_function=os.link)
    destination.mkdir(parents=True, exist_ok=True)
    target = destination / f"photofind-{version()}-linux-{platform.machine()}.run"
    moment = datetime.fromtimestamp(epoch(), UTC)
    reproducible = "--sort=name --owner=0 --group=0 --numeric-owner"
    # gzip: other compressions need a program that a bare system does not have.
    pack = ["makeself", "--quiet", "--gzip", "--complevel", "6", "--sha256", "--nox11"]
    pack += ["--tar-extra", f"{reproducible} --mtime=@{epoch()}"]
    pack += ["--packaging-date", f"{moment:%Y-%m-%d %H:%M:%S} UTC"]
    run([*pack, content, target, f"photofind {version()}", "./install.sh"])
    shutil.rmtree(content)
    return target
