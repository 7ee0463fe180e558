"""``photofind extractors``."""

from __future__ import annotations

import click

from photofind.cli.asking import asking
from photofind.cli.group import ListingGroup
from photofind.cli.output import print_json, print_table

__all__ = ["extractors"]


@click.group(
    cls=ListingGroup,
    short_help="List the extractors that are installed.",
    epilog="""\b
Examples:
  photofind extractors
  photofind extractors --json""",
)
def extractors() -> None:
    """List the extractors that are installed, and what is wrong with those that do not work.

    An extractor turns a photo into the vector that it is compared by. The one that is used is a
    setting: photofind config set extractor NAME
    """


@extractors.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_all(as_json: bool) -> None:
    """List the extractors (also without a command).

    A star is at the one in use.
    """
    with asking() as photofind:
        installed = photofind.extractors()
    if as_json:
        print_json(installed)
        return
    print_table(
        ("extractor", "version", "dimension", "from", "state"),
        (
            (
                extractor.name + (" *" if extractor.in_use else ""),
                extractor.version or "",
                str(extractor.dimension or ""),
                extractor.distribution,
                extractor.error or f"works, {extractor.photos} photos",
            )
            for extractor in installed
        ),
    )
