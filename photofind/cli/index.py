"""``photofind index``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, show_progress
from photofind.cli.parameters import AbsoluteFolder

if TYPE_CHECKING:
    from photofind.model import Report
    from photofind.operations import Operations

__all__ = ["index", "index_with_progress"]


@click.command(
    short_help="Bring the library up to date with its folders.",
    epilog="""\b
Examples:
  photofind index
  photofind index ~/Pictures/2021
  photofind index --wait --json""",
)
@click.argument("folders", nargs=-1, type=AbsoluteFolder())
@click.option("--accept-removals", is_flag=True,
              help="Believe folders that turned up empty: forget their photos.")  # fmt: skip
@click.option("--retry-failed", is_flag=True,
              help="Read photos again that could not be read before.")  # fmt: skip
@click.option("--wait", is_flag=True,
              help="Wait for the graph, which is otherwise built in the background.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def index(folders: tuple[str, ...], as_json: bool, **options: bool) -> None:
    """Bring the library up to date with its folders, or with FOLDERS alone.

    Only what is new or changed is read. Ctrl-C keeps all that was done so far.

    A folder that is not there, or that is suddenly empty, is taken for a drive that is not
    mounted: what is known of its photos is kept. Where they are gone for good, say so with
    --accept-removals, or take the folder out with "photofind folders remove".
    """
    with connected(start=True) as photofind:
        report = index_with_progress(photofind, list(folders), **options)
    if as_json:
        print_json(report)


def index_with_progress(photofind: Operations, folders: list[str], **options: bool) -> Report:
    """Index folders (all of them where none is named) and tell how it goes and what came of it.

    The options are those of :meth:`photofind.app.photofind.PhotoFind.index`.
    """
    try:
        with show_progress() as progress:
            report = photofind.index(folders or None, progress=progress, **options)
    except KeyboardInterrupt:
        note("what was read is kept; `photofind index` goes on from there")
        raise
    note(*report.problems, report.summary)
    if report.offline:
        note("photos of folders that are offline are kept; `photofind index --help` says more")
    if report.failed:
        note("`photofind failures` says why photos failed")
    return report
