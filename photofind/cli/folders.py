"""``photofind folders``."""

from __future__ import annotations

import click

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table
from photofind.cli.parameters import AbsoluteFolder

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
    """List the folders of the library, or add and remove one."""


@folders.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_all(as_json: bool) -> None:
    """List the folders of the library (also without a command)."""
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
        note("no folder yet; add one with `photofind folders add ~/Pictures`")


@folders.command()
@click.argument("folder", type=AbsoluteFolder())
@click.option("--exclude", multiple=True, metavar="PATTERN",
              help="What to leave out in it, in gitignore syntax; may be repeated.")  # fmt: skip
def add(folder: str, exclude: tuple[str, ...]) -> None:
    """Add FOLDER to the library, or change what is excluded in it."""
    with connected(begin=True) as photofind:
        photofind.add_folder(folder, excludes=exclude)
        by_itself = photofind.status().daemon is not None
    how = (
        "its photos are read now, in the background"
        if by_itself
        else "`photofind index` reads its photos"
    )
    note(f"{folder} is in the library; {how}")


@folders.command()
@click.argument("folder", type=AbsoluteFolder())
def remove(folder: str) -> None:
    """Take FOLDER out of the library.

    All that is known of its photos is forgotten; the photos themselves are not touched.
    """
    with connected() as photofind:
        removed = photofind.remove_folder(folder)
    note(f"{folder} and its {removed} photos are out of the library; the files are as they were")
