"""Whom commands ask: the daemon where there is one or may be started, this process otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from photofind.cli.output import note

if TYPE_CHECKING:
    from photofind.daemon.surface import Surface

__all__ = ["asking"]


@contextmanager
def asking(*, start: bool = False, begin: bool = False) -> Iterator[Surface]:
    """Give what answers for as long as the block runs; then tell what turned out to be damaged.

    Parameters
    ----------
    start
        Whether to start the daemon where there is a library and none runs, unless the person or a
        setting says not to.
    begin
        The same where there is no library yet.
    """
    from photofind.daemon.client import connect
    from photofind.library.stores import store_exists
    from photofind.paths import Home

    daemon = not click.get_current_context().find_root().params.get("no_daemon")
    start = begin or (start and store_exists(Home.default()))
    with connect(daemon=daemon, start=start) as photofind:
        try:
            yield photofind
        finally:
            note(*photofind.problems)
