"""``photofind folders``."""

from __future__ import annotations

import click

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table
from photofind.cli.parameters import AbsoluteFolder
from photofind.model.counted import counted

__all__ = ["folders"]


@click.group(
    cls=ListingGroup,
    epilog="""\b
Examples:
  photofind folders
  photofind folders add ~/Pictures
  photofind folders add /media/nas/photos --exclude "Screenshots/" --exclude "*.gif"
  photofind folders remove ~/Pictures""",
)
def folders() -> None:
    """List, add and remove the folders of the library."""


@folders.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_all(as_json: bool) -> None:
    """List the folders of the library (the default command)."""
    with connected() as photofind:
        known = photofind.folders()
    if as_json:
        print_json(known)
    elif known:
        print_table(
            ("folder", "photos", "state"),
            ((f.path, str(f.photos), f"{f.state}: {f.reason}" if f.reason else f.state)
             for f in known),
        )  # fmt: skip
    else:
        note("there are no folders yet; add one with `photofind folders add ~/Pictures`")


@folders.command()
@click.argument("folder", type=AbsoluteFolder())
@click.option("--exclude", multiple=True, metavar="PATTERN",
              help="Ignore files that match, in gitignore syntax; can be repeated.")  # fmt: skip
def add(folder: str, exclude: tuple[str, ...]) -> None:
    """Add FOLDER to the library, or change its exclude patterns."""
    with connected(begin=True) as photofind:
        photofind.add_folder(folder, excludes=exclude)
        daemon_runs = photofind.status().daemon is not None
    how = (
        "its photos are being indexed in the background"
        if daemon_runs
        else "run `photofind index` to index its photos"
    )
    note(f"{folder} was added to the library; {how}")


@folders.command()
@click.argument("folder", type=AbsoluteFolder())
def remove(folder: str) -> None:
    """Remove FOLDER from the library.

    Its photos are removed from the index; the files are not touched.
    """
    with connected() as photofind:
        removed = photofind.remove_folder(folder)
    note(
        f"{folder} and its {counted(removed, 'photo')} were removed from the library; "
        "no file was touched"
    )
