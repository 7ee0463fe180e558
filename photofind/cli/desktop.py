"""``photofind desktop``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from photofind.desktop.integrations import Place

__all__ = ["desktop", "note_places"]


class _StatusGroup(ListingGroup):
    default = "status"


@click.group(
    cls=_StatusGroup,
    short_help='Put "Find similar photos" into file managers and menus.',
    epilog="""\b
Examples:
  photofind desktop install
  photofind desktop install thunar
  photofind desktop
  photofind desktop remove""",
)
def desktop() -> None:
    """Put "Find similar photos" into the menus of file managers, for you alone.

    What is installed is found again and replaced, never doubled; what is removed is exactly what
    was installed.
    """


@desktop.command("status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def status(names: tuple[str, ...], as_json: bool) -> None:
    """Say where photofind is installed (also without a command)."""
    from photofind.desktop.integrations import list_places

    _report(list_places(names), as_json)


@desktop.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def install(names: tuple[str, ...], as_json: bool) -> None:
    """Install it in the file managers of these NAMEs, or in all that are present."""
    from photofind.desktop.integrations import install as install_in

    _report(install_in(names), as_json)


@desktop.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def remove(names: tuple[str, ...], as_json: bool) -> None:
    """Remove it from the file managers of these NAMEs, or from all."""
    from photofind.desktop.integrations import remove as remove_from

    _report(remove_from(names), as_json)


@desktop.command()
@click.argument("state", required=False, type=click.Choice(["on", "off"]))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def autostart(state: str | None, as_json: bool) -> None:
    """Have the daemon and the tray icon started at login, or no longer; say which.

    With neither "on" nor "off" nothing is changed. What runs goes on, or is started by
    "photofind daemon start" and "photofind tray".
    """
    from photofind.desktop.login import list_places, set_autostart
    from photofind.paths import Home

    home = Home.default()
    _report(list_places(home) if state is None else set_autostart(home, on=state == "on"), as_json)


def note_places(places: list[Place]) -> None:
    """Tell where photofind was just put, and where it could not be."""
    for place in places:
        if place.error:
            note(f"photofind: {place.title}: {place.error}")
        elif place.changed:
            note(f"{place.title}: {place.where}")
    if any(place.changed for place in places):
        note("`photofind desktop remove` takes all of that away again")


def _report(places: list[Place], as_json: bool) -> None:
    """Print how places are, say what went wrong, and fail where something did."""
    if as_json:
        print_json(places)
    else:
        print_table(
            ("name", "what it is", "state", "where photofind is then"),
            ((p.name, p.title, _state(p), p.where) for p in places),
        )
    failed = [place for place in places if place.error]
    note(*(f"photofind: {place.title}: {place.error}" for place in failed))
    if failed:
        sys.exit(1)


def _state(place: Place) -> str:
    if not place.present and place.state == "not installed":
        return "not on this machine"
    return (
        f"{place.state} just now" if place.changed and place.state == "installed" else place.state
    )
