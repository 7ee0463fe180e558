"""``photofind duplicates``."""

from __future__ import annotations

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths, shown

__all__ = ["duplicates"]


@click.command(
    epilog="""\b
Examples:
  photofind duplicates
  photofind duplicates --json | jq '.[].paths[1:]'"""
)
@click.option("--exact", is_flag=True, help="Only files with the very same content.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of groups.")
def duplicates(exact: bool, as_json: bool) -> None:
    """List groups of photos that show the same picture.

    Each group holds copies (the same content) and near-copies (the same picture scaled, cropped
    a little, brightened, saved again ...), the largest first. Nothing is changed or removed.
    """
    with connected(start=True) as photofind:
        groups = [group for group in photofind.duplicates() if group.exact or not exact]
    if as_json:
        print_json(groups)
        return
    for number, group in enumerate(groups, 1):
        kind = "the same content" if group.exact else f"similarity {group.similarity:.2f}"
        note(shown(f"group {number}: {len(group.paths)} photos, {kind}"))
        print_paths(group.paths)
    if not groups:
        note("no photo is there twice")
