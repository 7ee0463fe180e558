"""``photofind untrash``."""

from __future__ import annotations

from datetime import datetime

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths, print_table
from photofind.errors import DesktopError
from photofind.model.counted import counted

__all__ = ["untrash"]


@click.command(
    short_help="Put photos back that were moved to the trash.",
    epilog="""\b
Examples:
  photofind untrash
  photofind untrash --list""",
)
@click.argument("undo", required=False)
@click.option("--list", "lists", is_flag=True, help="List what can be put back; move nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def untrash(undo: str | None, lists: bool, as_json: bool) -> None:
    """Put photos back that photofind moved to the trash, all that were moved together.

    UNDO says which, as --list lists them; what was moved last if not given.
    """
    with connected() as photofind:
        if lists:
            before = photofind.trashed()
            if as_json:
                print_json(before)
                return
            print_table(
                ("undo", "when", "photos"),
                [
                    (one.undo, f"{datetime.fromtimestamp(one.when):%Y-%m-%d %H:%M}",
                     f"{len(one.paths)}")
                    for one in before
                ],
            )  # fmt: skip
            if not before:
                note("nothing can be put back; look into the trash of your system")
            return
        done = photofind.untrash(undo)
    if as_json:
        print_json(done)
    else:
        print_paths(done.restored)
    note(counted(len(done.restored), "photo is back", "photos are back"))
    for failure in done.failures:
        note(failure.reason)
    if done.failures:
        raise DesktopError(
            f"{counted(len(done.failures), 'photo is', 'photos are')} still in the trash",
            f"`photofind untrash {done.undo}` tries it again" if done.undo else "open the trash",
        )
