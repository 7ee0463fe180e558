"""``photofind tray``."""

from __future__ import annotations

import click

from photofind.cli.output import note

__all__ = ["tray"]

_SECONDS = 60.0


@click.command(
    short_help="Show photofind's icon in the panel.",
    epilog="""\b
Examples:
  photofind tray &
  photofind desktop autostart on""",
)
@click.option("--wait", is_flag=True, help="Wait up to a minute for a panel, as at login.")
def tray(wait: bool) -> None:
    """Show photofind's icon in the panel, with a menu, until it is quit.

    It says whether photofind works, is paused, or needs you. Where no panel shows icons, or only
    ones without a menu, "photofind gallery" opens the page, which has all of it.
    """
    from photofind.paths import Home
    from photofind.tray.tray import run

    if not run(Home.default(), wait_seconds=_SECONDS if wait else 0.0):
        note("the icon is in the panel already")
