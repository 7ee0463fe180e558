"""``photofind doctor``."""

from __future__ import annotations

import sys

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_table

__all__ = ["doctor"]


@click.command(
    short_help="Look whether everything is well, and mend what can be.",
    epilog="""\b
Examples:
  photofind doctor
  photofind doctor --repair
  photofind doctor --json | jq '.[] | select(.state != "ok")'""",
)
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def doctor(repair: bool, as_json: bool) -> None:
    """Look at catalog, vectors, graph, folders, watching, permissions, disk and desktop.

    Exits with 1 where something is broken and was not mended.
    """
    from photofind.desktop.health import examine
    from photofind.paths import Home

    with connected() as photofind:
        checks = photofind.doctor(repair=repair)
    checks += examine(Home.default(), repair=repair)
    if as_json:
        print_json(checks)
    else:
        print_table(("", "", ""), ((c.state, c.name, c.message) for c in checks))
        note(*dict.fromkeys(check.advice for check in checks if check.advice))
    if any(check.state == "broken" for check in checks):
        sys.exit(1)
