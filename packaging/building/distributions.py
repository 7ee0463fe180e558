"""Wheels and source distributions of photofind and its plugins, the same for the same commit."""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from building.project import ROOT, epoch, run, tool

__all__ = ["build_distributions", "normalise", "projects"]


def projects() -> list[str]:
    """Return the folders of all distributions, relative to the repository."""
    plugins = sorted(ROOT.glob("plugins/photofind-*/pyproject.toml"))
    return [".", *(path.parent.relative_to(ROOT).as_posix() for path in plugins)]


def build_distributions(destination: Path) -> list[Path]:
    """Build all distributions from the files of the commit; return their paths.

    The files are taken from git, for what lies in ``build/`` of a work tree goes into wheels too.
    """
    destination.mkdir(parents=True, exist_ok=True)
    before = set(destination.iterdir())
    moment = epoch()
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(moment)}
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "source")
        archive = Path(temporary, "source.tar")
        run(["git", "archive", "--output", archive, "HEAD"], cwd=ROOT)
        with tarfile.open(archive) as packed:
            packed.extractall(source, filter="data")
        built = Path(temporary, "built")
        for project in projects():
            build = [tool("uv"), "build", "--quiet", "--out-dir", built]
            run([*build, source / project], environment=environment)
        for path in sorted(built.glob("*.tar.gz")):
            normalise(path, moment)
        for path in (*built.glob("*.whl"), *built.glob("*.tar.gz")):
            (destination / path.name).write_bytes(path.read_bytes())
            before.discard(destination / path.name)
    return sorted(set(destination.iterdir()) - before)


def normalise(archive: Path, moment: int) -> None:
    """Write a .tar.gz anew, sorted, with one time and no names of users in it."""
    packed = BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid = moment, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    archive.write_bytes(gzip.compress(packed.getvalue(), mtime=moment))
