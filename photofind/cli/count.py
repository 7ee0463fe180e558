"""``photofind count``."""

from __future__ import annotations

from typing import Any

import click

from photofind.cli.connection import connected
from photofind.cli.parameters import AbsoluteFolder, date, query_option

__all__ = ["count"]


@click.command(
    short_help="Print the number of photos.",
    epilog="""\b
Examples:
  photofind count
  photofind count --in ~/Pictures/2021 --since 2021-06 --tag beach""",
)
@query_option("folder", type=AbsoluteFolder(), metavar="FOLDER", help="Only in this folder.")
@query_option("since", type=date, metavar="DATE",
              help="Only photos from then on: 2021, 2021-05, 2021-05-03 ...")  # fmt: skip
@query_option("until", type=date, metavar="DATE", help="Only photos up to and including then.")
@query_option("tags", multiple=True, metavar="WORD",
              help="Only photos with this tag or keyword; may be repeated.")  # fmt: skip
def count(**limits: Any) -> None:
    """Print the number of photos: of all, or of those that match every option."""
    with connected(start=True) as photofind:
        click.echo(photofind.count(**limits))
