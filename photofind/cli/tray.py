"""``photofind tray``."""

from __future__ import annotations

import click

from photofind.cli.output import note

__all__ = ["tray"]

_SECONDS = 60.0


@click.command(
    short_help="Show photofind's icon in the system tray.",
    epilog="""\b
Examples:
  photofind tray &
  photofind desktop autostart on""",
)
@click.option("--wait", is_flag=True, help="Wait up to a minute for a tray, as at login.")
def tray(wait: bool) -> None:
    """Show photofind's icon in the system tray, with a menu, until you quit it.

    The icon shows whether photofind is indexing, is paused, or has a problem. If there is no tray,
    or it shows no menu, use "photofind web": the page has the same functions.
    """
    from photofind.paths import Home
    from photofind.tray.tray import run

    if not run(Home.default(), wait_seconds=_SECONDS if wait else 0.0):
        note("the icon is in the tray already")
