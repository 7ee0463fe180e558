"""``photofind gallery``, and opening the page for other commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import click

from photofind.cli.asking import asking
from photofind.cli.output import note, shown
from photofind.cli.parameters import AbsolutePath

__all__ = ["gallery", "notifying_of_errors", "open_page"]


@click.command(
    short_help="Open your photos in the browser.",
    epilog="""\b
Examples:
  photofind gallery
  photofind gallery beach.jpg
  photofind gallery --link""",
)
@click.argument("images", nargs=-1, type=AbsolutePath())
@click.option("--link", is_flag=True, help="Print the address of the page instead of opening it.")
def gallery(images: tuple[str, ...], link: bool) -> None:
    """Open your photos in the browser, or the photos similar to IMAGES.

    The daemon on this machine serves the page and is started if necessary. The address works once,
    within a minute.
    """
    with notifying_of_errors():
        open_page(images, print_link=link)


def open_page(
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    filters: Mapping[str, str | float | Sequence[str] | None] | None = None,
    *,
    print_link: bool = False,
) -> None:
    """Open the page of a query in the browser, or print its address if there is no browser.

    For the filters see :func:`photofind.desktop.browser.page_path`.

    Raises
    ------
    DesktopError
        If the daemon does not run and may not be started.
    ImageError
        If a photo does not exist.
    """
    from photofind.app.recent_searches import remember_search
    from photofind.daemon.client import Client
    from photofind.desktop.browser import open_in_browser, page_path
    from photofind.errors import DesktopError, ImageError

    for image in (*like, *unlike):
        if not os.path.lexists(image):
            raise ImageError(f"cannot search with {image}: there is no such file")
    with asking(begin=True) as photofind:
        if not isinstance(photofind, Client):
            raise DesktopError(
                "the daemon serves the page, but it is not running",
                "start it with `photofind daemon start`",
            )
        address = photofind.link(page_path(photofind, like, unlike, filters or {}))
        with suppress(OSError):  # Recent searches are only a convenience.
            remember_search(photofind.home, like)
    if print_link:
        click.echo(address)
    elif not open_in_browser(address):
        note("no browser could be opened; open this address within a minute:")
        click.echo(shown(address))


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
