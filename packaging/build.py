"""Build what people install: ``python packaging/build.py deb --python SOURCE`` and the like.

packaging/README.md has the tools that the build needs, and docs/develop/packaging.md says how the
packages are made.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
from building.app_directory import build_app_directory
from building.contents import write_checksums, write_contents
from building.distributions import build_distributions
from building.linux_packages import build_package
from building.lock import write_lock
from building.manifests import write_manifests
from building.project import ROOT, version
from building.self_extracting import build_self_extracting
from building.system_files import write_system_files
from building.tree import build_tree
from building.windows import build_windows_archive

_TREE_KINDS = ("deb", "rpm", "run", "appdir", "tree")
_OTHER_SYSTEMS = ("zip",)
_KINDS = ("wheels", *_TREE_KINDS, *_OTHER_SYSTEMS, "manifests", "lock", "checksums")


@click.command()
@click.argument("kinds", nargs=-1, required=True, type=click.Choice([*_KINDS, "all"]))
@click.option("--python", "interpreter", metavar="SOURCE",
              help="The interpreter inside: 3.13, a folder, an archive, or its URL.")  # fmt: skip
@click.option("--to", "destination", type=click.Path(path_type=Path), default=ROOT / "dist",
              show_default=True, help="Where the files go.")  # fmt: skip
@click.option("--in", "workplace", type=click.Path(path_type=Path), default=ROOT / "build/packages",
              show_default=True, help="Where the tree is made.")  # fmt: skip
@click.option("--keep-tree", is_flag=True, help="Pack the tree that was made before.")
def build(
    kinds: tuple[str, ...],
    interpreter: str | None,
    destination: Path,
    workplace: Path,
    keep_tree: bool,
) -> None:
    """Build files of the given KINDS, or all for Linux but the lock; zip is Windows's."""
    os.umask(0o022)  # What folders shall be that other packages have too.
    wanted = {*_KINDS} - {"lock", "zip"} if "all" in kinds else {*kinds}
    if "lock" in wanted:
        write_lock()
    if "wheels" in wanted:
        for path in build_distributions(destination):
            click.echo(path)
    if wanted & {*_TREE_KINDS}:
        _build_with_tree(wanted, interpreter, destination.absolute(), workplace, keep_tree)
    if "zip" in wanted:
        wheels = build_distributions(workplace / "wheels")
        wheel = next(
            one for one in wheels if one.name.startswith("photofind-") and one.suffix == ".whl"
        )
        click.echo(build_windows_archive(interpreter or "3.13", wheel, workplace, destination))
    if "manifests" in wanted:
        for path in write_manifests(destination):
            click.echo(path)
    if "checksums" in wanted or "all" in kinds:
        click.echo(write_checksums(destination))


def _build_with_tree(
    wanted: set[str], interpreter: str | None, destination: Path, workplace: Path, keep_tree: bool
) -> None:
    tree, usr = workplace.absolute() / "photofind", workplace.absolute() / "usr"
    if not keep_tree:
        if interpreter is None:
            raise click.UsageError("--python is missing: the interpreter that the tree has inside")
        wheels = workplace.absolute() / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        build_distributions(wheels)
        (wheel,) = wheels.glob(f"photofind-{version()}-*.whl")
        build_tree(tree, interpreter, wheel)
        shutil.rmtree(usr, ignore_errors=True)
        write_system_files(usr)
        write_contents(tree, usr / "share/doc/photofind")
    shutil.copytree(usr / "share/doc/photofind", destination, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("copyright", "NOTICE"))  # fmt: skip
    for kind in ("deb", "rpm"):
        if kind in wanted:
            click.echo(build_package(kind, tree, usr, destination))
    if "run" in wanted:
        click.echo(build_self_extracting(tree, usr, destination))
    if "appdir" in wanted:
        click.echo(build_app_directory(tree, usr, workplace / "photofind.AppDir"))


if __name__ == "__main__":
    build()
