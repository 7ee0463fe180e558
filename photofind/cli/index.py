"""``photofind index``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, show_progress
from photofind.cli.parameters import AbsoluteFolder
from photofind.model.counted import counted

if TYPE_CHECKING:
    from photofind.model import Report
    from photofind.operations import Operations

__all__ = ["index", "index_with_progress"]


@click.command(
    short_help="Index new and changed photos.",
    epilog="""\b
Examples:
  photofind index
  photofind index ~/Pictures/2021
  photofind index --wait --json""",
)
@click.argument("folders", nargs=-1, type=AbsoluteFolder())
@click.option("--accept-removals", is_flag=True,
              help="Remove the photos of missing or empty folders.")  # fmt: skip
@click.option("--retry-failed", is_flag=True,
              help="Try photos again that failed before.")  # fmt: skip
@click.option("--wait", is_flag=True,
              help="Wait for all extractors in use, and until the graph is built.")  # fmt: skip
@click.option("--fleet", metavar="ADDRESS",
              help="Have workers on other machines read photos: tls://HOST:PORT.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def index(folders: tuple[str, ...], as_json: bool, fleet: str | None, **options: bool) -> None:
    """Index new and changed photos in all folders of the library, or only in FOLDERS.

    Ctrl-C keeps everything that was indexed so far.

    If a folder is missing, or suddenly empty, its drive may not be mounted, so its photos are kept.
    If they are gone for good, use --accept-removals, or remove the folder with "photofind folders
    remove".
    """
    with connected(start=True) as photofind:
        report = index_with_progress(photofind, list(folders), fleet=fleet, **options)
    if as_json:
        print_json(report)


def index_with_progress(
    photofind: Operations, folders: list[str], *, fleet: str | None = None, **options: bool
) -> Report:
    """Index folders (all if ``folders`` is empty), showing the progress and the report.

    The options are those of :meth:`photofind.app.photofind.PhotoFind.index`.
    """
    try:
        with show_progress() as progress:
            report = photofind.index(folders or None, progress=progress, fleet=fleet, **options)
    except KeyboardInterrupt:
        note("everything indexed so far is kept; `photofind index` continues from there")
        raise
    note(*report.problems, report.summary)
    if report.offline:
        note("photos in offline folders are kept; see `photofind index --help`")
    if report.failed:
        note("`photofind failures` shows why photos failed")
    elif left := photofind.status().failed:
        note(f"{counted(left, 'photo')} failed before; `photofind failures` shows why")
    return report
