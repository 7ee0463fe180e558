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
    """List the photos that could not be indexed, and why.

    If an extractor is named, only that extractor failed. Photos are tried again when they change or
    the extractor is updated, or with "photofind index --retry-failed". If the reason may pass, such
    as a drive that fails or missing permission, they are tried again by themselves. What is listed
    as a note is indexed, as far as it could be read.
    """
    with connected() as photofind:
        failed = photofind.failures()
    if as_json:
        print_json(failed)
        return
    if not any(not one.is_note for one in failed):
        note("no photo has failed")
    if failed:
        print_table(("photo", "reason"), ((f.path, _reason(f)) for f in failed))


def _reason(failure: Failure) -> str:
    reason = f"note: {failure.reason}" if failure.is_note else failure.reason
    if failure.extractor is not None:
        reason = f"not embedded by {failure.extractor}: {reason}"
    return reason if failure.retry is None else f"{reason}; it is tried again by itself"
