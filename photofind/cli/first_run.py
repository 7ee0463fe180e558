"""The command group; without a command, on a first run, it asks what it has to know."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from photofind.cli.group import CommandGroup

__all__ = ["WelcomingGroup"]


class WelcomingGroup(CommandGroup):
    """The command group; without a command, on a first run in a terminal, it runs ``welcome``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Insert ``welcome`` if no command is typed, on a first run in a terminal."""
        if not args and not context.resilient_parsing and _is_terminal() and _is_first_run():
            args = ["welcome"]
        return super().parse_args(context, args)


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
    return False  # The commands report what is wrong there.
