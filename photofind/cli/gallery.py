"""``photofind gallery``, and what opens the page for other commands."""

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
    short_help="Open the page of your photos in the browser.",
    epilog="""\b
Examples:
  photofind gallery
  photofind gallery beach.jpg
  photofind gallery --link""",
)
@click.argument("images", nargs=-1, type=AbsolutePath())
@click.option("--link", is_flag=True, help="Print the page's address instead of opening it.")
def gallery(images: tuple[str, ...], link: bool) -> None:
    """Open the page of your photos in the browser, or that of the photos like IMAGES.

    The page comes from the daemon on this machine, which is started where it does not run. Its
    address lets a browser in once, within a minute.
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
    """Open the page of a query in the browser; print its address where there is none.

    Filters are those of :func:`photofind.desktop.browser.page_path`.

    Raises
    ------
    DesktopError
        If the daemon is not to be started.
    ImageError
        If a photo is not there.
    """
    from photofind.app.recent_searches import remember_search
    from photofind.daemon.client import Client
    from photofind.desktop.browser import open_in_browser, page_path
    from photofind.errors import DesktopError, ImageError

    for image in (*like, *unlike):
        if not os.path.lexists(image):
            raise ImageError(f"{image} cannot be searched with: there is no such file here")
    with asking(begin=True) as photofind:
        if not isinstance(photofind, Client):
            raise DesktopError(
                "the page comes from the daemon, which does not run",
                "`photofind daemon start` starts it",
            )
        address = photofind.link(page_path(photofind, like, unlike, filters or {}))
        with suppress(OSError):  # It is no more than a convenience.
            remember_search(photofind.home, like)
    if print_link:
        click.echo(address)
    elif not open_in_browser(address):
        note("no browser can be opened here; open this address in one, within a minute:")
        click.echo(shown(address))


@contextmanager
def notifying_of_errors() -> Iterator[None]:
    """Tell an error in a notification too where nobody sees what is printed, after a click."""
    from photofind.errors import DesktopError, PhotofindError

    try:
        yield
    except PhotofindError as error:
        if not (sys.stderr and sys.stderr.isatty()):
            from photofind.desktop.notifications import notify

            with suppress(DesktopError):
                notify("photofind", shown(str(error)))
        raise
