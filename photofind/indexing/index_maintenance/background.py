"""Building graphs behind the back of a command that has ended.

A graph takes a while, the first one a minute of compilation, and nobody needs it at once; so the
command that indexed starts a process of its own for it and returns. One at a time builds, and
builds again where photos came or went meanwhile.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from filelock import FileLock, Timeout

from photofind.errors import PhotofindError
from photofind.indexing.upkeep import build_graph, builder, wants_graph
from photofind.library.embedded.library import Library
from photofind.paths import Home, private_folder

__all__ = ["build", "build_in_background", "is_building"]

log = logging.getLogger(__name__)


def build_in_background(home: Home) -> None:
    """Start a process that builds the graphs that are wanted, and outlives this one."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    private_folder(home.logs)
    root = home.root.absolute()
    log_file = os.open(home.logs / "background.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(log_file, "ab") as output:
        subprocess.Popen(
            # -P and cwd: where the command was started, photos may lie beside modules, and on a
            # drive that is to be unmounted.
            [sys.executable, "-P", "-m", "photofind.indexing.background", str(root)],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=flags,
            close_fds=True,
        )


def is_building(home: Home) -> bool:
    """Return whether graphs are being built in the background now."""
    if not home.graph_lock.exists():
        return False
    lock = FileLock(home.graph_lock, mode=0o600)
    try:
        with lock.acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # Nobody can write here.
        return False


def build(home: Home, *, wait: bool = True) -> list[str]:
    """Build the graphs that are wanted, and return the problems met, one line each.

    Parameters
    ----------
    wait
        Whether to wait for another process that is at it.

    Raises
    ------
    Timeout
        Another process is at it, and is not waited for.
    LibraryError
        The disk refused.
    """
    problems: list[str] = []
    with (
        FileLock(home.graph_lock, mode=0o600).acquire(blocking=wait),
        Library(home) as library,
        builder(home) as worker,
    ):
        for space in library.spaces():
            while wants_graph(library, space.id):
                problems += build_graph(library, space.id, worker)
                library.refresh()
    return problems


if __name__ == "__main__":
    from pathlib import Path

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        for problem in build(Home(Path(sys.argv[1])), wait=False):
            log.warning("%s", problem)
    except Timeout:
        log.info("another process is building graphs")
    except PhotofindError as error:
        log.error("%s", error)
        sys.exit(1)
