"""``photofind failures``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from photofind.model import Failure

__all__ = ["failures"]


@click.command(
    short_help="List the photos that could not be indexed, and why.",
    epilog="""\b
Examples:
  photofind failures
  photofind failures --json | jq -r '.[].path'""",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def failures(as_json: bool) -> None:
    """List the photos that could not be indexed, with the reason of each.

    Where an extractor is named, that one could not describe the photo, and others may have. They
    are tried again once they change or the extractor does, or by "photofind index --retry-failed".
    """
    with connected() as photofind:
        failed = photofind.failures()
    if as_json:
        print_json(failed)
    elif failed:
        print_table(("photo", "reason"), ((f.path, _reason(f)) for f in failed))
    else:
        note("every photo found could be indexed")


def _reason(failure: Failure) -> str:
    if failure.extractor is None:
        return failure.reason
    return f"not described by {failure.extractor}: {failure.reason}"
