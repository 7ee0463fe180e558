"""``photofind duplicates``."""

from __future__ import annotations

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths

__all__ = ["duplicates"]


@click.command(
    epilog="""\b
Examples:
  photofind duplicates
  photofind duplicates --json | jq '.[].paths[1:]'"""
)
@click.option("--exact", is_flag=True, help="List only files with identical content.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of groups.")
def duplicates(exact: bool, as_json: bool) -> None:
    """List groups of photos that show the same picture.

    The largest photo of a group comes first. Groups hold copies (identical content) and near-copies
    (the same picture scaled, slightly cropped, brightened, saved again). Nothing is changed.
    """
    with connected(start=True) as photofind:
        groups = [
            group
            for group in photofind.duplicates()
            if group.kind == "identical content" or not exact
        ]
    if as_json:
        print_json(groups)
        return
    for number, group in enumerate(groups, 1):
        note(f"group {number}: {len(group.paths)} photos, {group.kind}")
        print_paths(group.paths)
    if not groups:
        note("there are no duplicates")
