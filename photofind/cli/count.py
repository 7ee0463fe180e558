"""``photofind count``."""

from __future__ import annotations

from typing import Any

import click

from photofind.cli.connection import connected
from photofind.cli.output import note
from photofind.cli.parameters import AbsoluteFolder, query_option
from photofind.cli.query_options import query_options

__all__ = ["count"]


@click.command(
    short_help="Print the number of photos.",
    epilog="""\b
Examples:
  photofind count
  photofind count --in ~/Pictures/2021 --since 2021-06 --tag beach""",
)
@query_option("folder", type=AbsoluteFolder(), metavar="FOLDER", help="Only in this folder.")
@query_options("since", "until", "tags")
def count(**limits: Any) -> None:
    """Print the number of photos: of all, or of those that match every option."""
    with connected(start=True) as photofind:
        click.echo(photofind.count(**limits))
        if limits["tags"]:
            for line in photofind.tag_notes(limits["tags"]):
                note(line)
