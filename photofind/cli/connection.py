"""What commands ask: the daemon, if it runs or may be started, or else this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from photofind.cli.output import note
from photofind.errors import PhotofindError

if TYPE_CHECKING:
    from photofind.operations import Operations

__all__ = ["connected"]


@contextmanager
def connected(*, start: bool = False, begin: bool = False) -> Iterator[Operations]:
    """Give the operations for the length of a block; then print what was found damaged.

    Parameters
    ----------
    start
        Whether to start the daemon if there is a library and no daemon runs, unless the user or a
        setting says not to.
    begin
        The same, even if there is no library yet.
    """
    from photofind.daemon.client import connect

    daemon = not click.get_current_context().find_root().params.get("no_daemon")
    with connect(daemon=daemon, start=start or begin, begin=begin) as photofind:
        try:
            yield photofind
        finally:
            # A library that cannot be opened was told of by the block itself.
            with suppress(PhotofindError):
                note(*photofind.problems)
