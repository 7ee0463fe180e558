"""``photofind duplicates``."""

from __future__ import annotations

from itertools import chain

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

    All photos of a group match the first one, the largest of those that all others match. A group
    holds identical content, the same picture (rescaled, saved again, retouched, cropped, turned or
    mirrored), or takes of the same scene. Pixels decide, not the extractor. The first time takes
    longer, because photos that are alike are compared. Nothing is changed.
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
        done = ", ".join(dict.fromkeys(chain.from_iterable(group.differences)))
        what = f"{group.kind} ({done})" if done else group.kind
        note(f"group {number}: {len(group.paths)} photos, {what}")
        print_paths(group.paths)
    if not groups:
        note("there are no duplicates")
