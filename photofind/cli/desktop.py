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
    short_help='Add "Find similar photos" to file managers and menus.',
    epilog="""\b
Examples:
  photofind desktop install
  photofind desktop install thunar
  photofind desktop
  photofind desktop remove""",
)
def desktop() -> None:
    """Add "Find similar photos" to the menus of file managers, for your user only.

    Installing again replaces the entry; removing removes exactly what was installed.
    """


@desktop.command("status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def status(names: tuple[str, ...], as_json: bool) -> None:
    """Show where photofind is installed (the default command)."""
    from photofind.desktop.integrations import list_places

    _report(list_places(names), as_json)


@desktop.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def install(names: tuple[str, ...], as_json: bool) -> None:
    """Install the entry in the file managers NAME, or in all that are present."""
    from photofind.desktop.integrations import install as install_in

    _report(install_in(names), as_json)


@desktop.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def remove(names: tuple[str, ...], as_json: bool) -> None:
    """Remove the entry from the file managers NAME, or from all."""
    from photofind.desktop.integrations import remove as remove_from

    _report(remove_from(names), as_json)


@desktop.command()
@click.argument("state", required=False, type=click.Choice(["on", "off"]))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def autostart(state: str | None, as_json: bool) -> None:
    """Start the daemon and the tray icon at login, or not; show the state.

    Without "on" or "off" nothing is changed. Running processes are not affected; to start them now,
    use "photofind daemon start" and "photofind tray".
    """
    from photofind.desktop.login import list_places, set_autostart
    from photofind.paths import Home

    home = Home.default()
    _report(list_places(home) if state is None else set_autostart(home, on=state == "on"), as_json)


def note_places(places: list[Place]) -> None:
    """Print where photofind was just installed, and where that failed."""
    for place in places:
        if place.error:
            note(f"photofind: {place.title}: {place.error}")
        elif place.changed:
            note(f"{place.title}: {place.where}")
    if any(place.changed for place in places):
        note("`photofind desktop remove` removes all of it again")


def _report(places: list[Place], as_json: bool) -> None:
    """Print the state of places and their errors; exit with 1 if there is an error."""
    if as_json:
        print_json(places)
    else:
        print_table(
            ("name", "title", "state", "where to find photofind"),
            ((p.name, p.title, _state(p), p.where) for p in places),
        )
    failed = [place for place in places if place.error]
    note(*(f"photofind: {place.title}: {place.error}" for place in failed))
    if failed:
        sys.exit(1)


def _state(place: Place) -> str:
    if not place.present and place.state == "not installed":
        return "not on this computer"
    return (
        f"{place.state} just now" if place.changed and place.state == "installed" else place.state
    )
