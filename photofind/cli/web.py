"""``photofind web``, and opening the page for other commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_line
from photofind.cli.parameters import AbsolutePath
from photofind.system.terminal import shown

if TYPE_CHECKING:
    from photofind.model import Query

__all__ = ["gallery", "notifying_of_errors", "open_page", "web"]


@click.command(
    short_help="Open your photos in the browser.",
    epilog="""\b
Examples:
  photofind web
  photofind web beach.jpg
  photofind web --link""",
)
@click.argument("images", nargs=-1, type=AbsolutePath())
@click.option("--link", is_flag=True, help="Print the address of the page instead of opening it.")
def web(images: tuple[str, ...], link: bool) -> None:
    """Open your photos in the browser, or the photos similar to IMAGES.

    The daemon on this machine serves the page and is started if necessary. The address works once,
    within a minute. Paste it into a browser that cannot be opened from here; on a command line,
    other users of the machine would see it.
    """
    from photofind.model import Query

    with notifying_of_errors():
        open_page(Query(images), print_link=link)


gallery = copy(web)
gallery.name, gallery.hidden = "gallery", True
"""What the command was called before; desktop entries that were installed then still call it."""


def open_page(
    query: Query | None = None, *, known: str | None = None, print_link: bool = False
) -> None:
    """Open the page, or that of a query; print its address if there is no browser.

    Parameters
    ----------
    known
        The folder of which the page is to say what is new.

    Raises
    ------
    DesktopError
        If the daemon does not run and may not be started.
    ImageError
        If a photo does not exist.
    """
    from photofind.app.recent_searches import remember_search
    from photofind.daemon.client import Client
    from photofind.desktop.browser import known_page_path, page_path, show_page
    from photofind.errors import DesktopError, ImageError
    from photofind.model import Query

    query = query or Query(())
    for image in (*query.like, *query.unlike):
        if isinstance(image, str) and not os.path.lexists(image):
            raise ImageError(f"cannot search with {image}: there is no such file")
    with connected(begin=True) as photofind:
        if not isinstance(photofind, Client):
            raise DesktopError(
                "the daemon serves the page, but it is not running",
                "start it with `photofind daemon start`",
            )
        path = page_path(photofind, query) if known is None else known_page_path(known)
        with suppress(OSError):  # Recent searches are only a convenience.
            remember_search(photofind.home, [one for one in query.like if isinstance(one, str)])
        if print_link:
            print_line(photofind.link(path))
        elif not show_page(photofind, path):
            note("no browser could be opened; open this address within a minute:")
            print_line(photofind.link(path))


@contextmanager
def notifying_of_errors() -> Iterator[None]:
    """Show an error as a notification too if stderr is not a terminal, as after a click."""
    from photofind.errors import DesktopError, PhotofindError

    try:
        yield
    except PhotofindError as error:
        if not (sys.stderr and sys.stderr.isatty()):
            from photofind.desktop.notifications import notify

            with suppress(DesktopError):
                notify("photofind", shown(str(error)))
        raise
