"""What ``photofind`` alone does where nothing is set up yet: it asks, and opens the page."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from photofind.cli.asking import asking
from photofind.cli.desktop import tell_places
from photofind.cli.gallery import open_page
from photofind.cli.group import CommandGroup
from photofind.cli.output import note

__all__ = ["WelcomingGroup", "welcome"]


class WelcomingGroup(CommandGroup):
    """The commands; typed without any, in a terminal and for the first time, they welcome."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put in the welcome where nothing is typed, nothing set up, and somebody there."""
        if not args and not context.resilient_parsing and _is_terminal() and _is_first_run():
            args = [welcome.name or ""]
        return super().parse_args(context, args)


@click.command(hidden=True)
def welcome() -> None:
    """Set photofind up by a few questions, and open the page."""
    note(
        "photofind finds the photos that are like one that you point at.",
        "Nothing leaves this machine, and no photo is changed.",
        "",
    )
    folder = _asked_folder()
    with asking(begin=True) as photofind:
        photofind.add_folder(folder)
        by_itself = photofind.status().daemon is not None
    if not by_itself:
        note(f"{folder} is in the library; now `photofind index` reads its photos")
        return
    note("Its photos are being read now, in the background.", "")
    _offer_desktop()
    note("", "Later on, from a terminal:", "  photofind similar photo.jpg", "  photofind --help")
    note("", "The page opens, and fills while photos are read.")
    open_page()


def _is_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _is_first_run() -> bool:
    """Return whether the library has no folder yet."""
    from photofind.app.photofind import PhotoFind
    from photofind.errors import PhotofindError
    from photofind.library.stores import store_exists
    from photofind.paths import Home

    home = Home.default()
    if not store_exists(home):
        return True
    with suppress(PhotofindError, OSError), PhotoFind(home) as photofind:
        return not photofind.folders()
    return False  # Whatever is wrong there, commands say it.


def _asked_folder() -> str:
    """Ask which folder to look at, until one is named that is there."""
    from platformdirs import user_pictures_path

    pictures = user_pictures_path()
    default: dict[str, Any] = {"default": str(pictures)} if pictures.is_dir() else {}
    while True:
        typed = click.prompt("Which folder has your photos?", err=True, **default)
        folder = Path(os.path.abspath(Path(typed.strip()).expanduser()))  # noqa: PTH100
        if folder.is_dir():
            return str(folder)
        note(f"there is no folder {folder}")


def _offer_desktop() -> None:
    """Offer the right-click menu and the start at login; tell what came of it."""
    from photofind.desktop.integrations import install, look_at
    from photofind.desktop.login import set_autostart
    from photofind.paths import Home

    present = [place for place in look_at() if place.present]
    managers = [place.title for place in present if place.name != "menu"]
    if managers:
        named = " and ".join(filter(None, (", ".join(managers[:-1]), managers[-1])))
        question = f'Put "Find similar photos" into the right-click menu of {named}?'
    else:
        question = "Put photofind among the applications?"
    if present and click.confirm(question, default=True, err=True):
        tell_places(install())
    question = "Start photofind when you log in, with an icon in the panel?"
    if click.confirm(question, default=True, err=True):
        places = set_autostart(Home.default(), on=True)
        note(*(f"photofind: {place.title}: {place.error}" for place in places if place.error))
        _show_tray()


def _show_tray() -> None:
    """Show the icon now where there is a panel for it; what cannot be is not missed yet."""
    from photofind.desktop.command import Command
    from photofind.errors import DesktopError
    from photofind.system.programs import has_display, run_alone

    if has_display():
        with suppress(DesktopError):
            run_alone(Command.installed().with_words("tray").words)
