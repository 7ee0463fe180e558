"""First-time setup, which ``photofind`` without a command runs while there is no library."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from photofind.cli.connection import connected
from photofind.cli.desktop import note_places
from photofind.cli.output import note
from photofind.cli.web import open_page

__all__ = ["welcome"]


@click.command(hidden=True)
def welcome() -> None:
    """Set photofind up with a few questions, and open the page."""
    note(
        "photofind finds photos that look like a given photo.",
        "Nothing leaves this computer, and your photos are not changed.",
        "",
    )
    folder = _asked_folder()
    with connected(begin=True) as photofind:
        photofind.add_folder(folder)
        daemon_runs = photofind.status().daemon is not None
    if not daemon_runs:
        note(f"{folder} was added to the library; run `photofind index` to index its photos")
        return
    note("Its photos are now being indexed in the background.", "")
    _offer_desktop()
    note("", "Later, in a terminal:", "  photofind similar photo.jpg", "  photofind --help")
    note("", "Opening the page in your browser. It fills while photos are being indexed.")
    open_page()


def _asked_folder() -> str:
    """Ask for the photo folder until an existing one is named."""
    from platformdirs import user_pictures_path

    pictures = user_pictures_path()
    default: dict[str, Any] = {"default": str(pictures)} if pictures.is_dir() else {}
    while True:
        typed = click.prompt("Which folder are your photos in?", err=True, **default)
        folder = Path(os.path.abspath(Path(typed.strip()).expanduser()))  # noqa: PTH100
        if folder.is_dir():
            return str(folder)
        note(f"there is no folder {folder}")


def _offer_desktop() -> None:
    """Offer the right-click menu and the start at login; report the outcome."""
    from photofind.desktop.integrations import install, list_places
    from photofind.desktop.login import set_autostart
    from photofind.paths import Home

    present = [place for place in list_places() if place.present]
    managers = [place.title for place in present if place.name != "menu"]
    if managers:
        named = " and ".join(filter(None, (", ".join(managers[:-1]), managers[-1])))
        question = f'Add "Find similar photos" to the right-click menu of {named}?'
    else:
        question = "Add photofind to the applications menu?"
    if present and click.confirm(question, default=True, err=True):
        note_places(install())
    question = "Start photofind when you log in, with an icon in the system tray?"
    if click.confirm(question, default=True, err=True):
        places = set_autostart(Home.default(), on=True)
        note(*(f"photofind: {place.title}: {place.error}" for place in places if place.error))
        _show_tray()


def _show_tray() -> None:
    """Show the tray icon now, if possible."""
    from photofind.desktop.command import Command
    from photofind.errors import DesktopError
    from photofind.system.programs import has_display, start_detached

    if has_display():
        with suppress(DesktopError):
            start_detached(Command.installed().with_words("tray").words)
