"""``photofind doctor``."""

from __future__ import annotations

import sys

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_table

__all__ = ["doctor"]


@click.command(
    short_help="Check the library and repair what can be repaired.",
    epilog="""\b
Examples:
  photofind doctor
  photofind doctor --repair
  photofind doctor --json | jq '.[] | select(.state != "ok")'""",
)
@click.option("--repair", is_flag=True, help="Repair what can be repaired.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def doctor(repair: bool, as_json: bool) -> None:
    """Check home, catalog, embeddings, graph, folders, watching, permissions, disk and desktop.

    Exits with 1 if something is broken and was not repaired.
    """
    from photofind.app.doctor import examine_home
    from photofind.desktop.health import check_desktop
    from photofind.paths import Home

    checks = [examine_home(Home.default(), repair=repair)]
    if checks[0].state != "broken":
        with connected() as photofind:
            checks += photofind.doctor(repair=repair)
    checks += check_desktop(Home.default(), repair=repair)
    if as_json:
        print_json(checks)
    else:
        print_table(("", "", ""), ((c.state, c.name, c.message) for c in checks))
        note(*dict.fromkeys(check.advice for check in checks if check.advice))
    if any(check.state == "broken" for check in checks):
        sys.exit(1)
