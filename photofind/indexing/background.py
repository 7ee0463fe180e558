"""Building graphs behind the back of a command that has ended.

A graph takes a while, the first one a minute of compilation, and nobody needs it at once; so the
command that indexed starts a process of its own for it and returns. One at a time builds; what it
finds outdated when it is done, the next indexing has built again.
"""

from __future__ import annotations

import logging
import subprocess
import sys

from filelock import FileLock, Timeout

from photofind.indexing.upkeep import build_graph, builder, wants_graph
from photofind.library.library import Library
from photofind.paths import Home, private_folder

__all__ = ["build_in_background", "is_building"]

log = logging.getLogger(__name__)


def build_in_background(home: Home) -> None:
    """Start a process that builds the graphs that are wanted, and outlives this one."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    private_folder(home.logs)
    with (home.logs / "background.log").open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "photofind.indexing.background", str(home.root)],
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


def build(home: Home) -> None:
    """Build the graphs that are wanted, unless another process is at it."""
    try:
        with (
            FileLock(home.graph_lock, mode=0o600).acquire(blocking=False),
            Library(home) as library,
            builder(home) as worker,
        ):
            for space in library.spaces():
                if wants_graph(library, space.id):
                    for problem in build_graph(library, space.id, worker):
                        log.warning("%s", problem)
    except Timeout:
        log.info("another process is building graphs")


if __name__ == "__main__":
    from pathlib import Path

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    build(Home(Path(sys.argv[1])))
