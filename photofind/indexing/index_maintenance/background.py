"""Building graphs in a process that outlives the command that started it.

A graph takes a while, the first one a minute of compilation, and is not needed at once; so the
command that indexed starts a process for it and returns. One at a time builds, and builds again
where photos came or went during a build.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

from photofind.errors import LockedError, PhotofindError
from photofind.indexing.index_maintenance.builder import builder
from photofind.indexing.index_maintenance.maintenance import build_graph, space_wants_graph
from photofind.library.stores import open_store
from photofind.paths import Home, open_private, private_folder

__all__ = ["build_graphs", "build_in_background"]

log = logging.getLogger(__name__)

# How often it is looked whether another process has finished.
LOCKED_SECONDS = 1.0


def build_in_background(home: Home) -> None:
    """Start a process that builds the graphs that are wanted, and outlives this one."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    private_folder(home.logs)
    root = home.root.absolute()
    log_file = open_private(home.logs / "background.log", os.O_WRONLY | os.O_APPEND)
    with os.fdopen(log_file, "ab") as output:
        subprocess.Popen(
            # -P and cwd: where the command was started, photos may lie beside modules, and on a
            # drive that is to be unmounted.
            [
                sys.executable,
                "-P",
                "-m",
                "photofind.indexing.index_maintenance.background",
                str(root),
            ],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=flags,
            close_fds=True,
        )


def build_graphs(home: Home, *, wait: bool = True) -> list[str]:
    """Build the graphs that are wanted, and return the problems met, one line each.

    Parameters
    ----------
    wait
        Whether to wait for another process that builds one.

    Raises
    ------
    LockedError
        Another process builds one, and is not waited for.
    LibraryError
        The disk refused.
    """
    problems: list[str] = []
    with open_store(home) as store, builder(home) as worker:
        for space in store.spaces():
            while space_wants_graph(store, space.id):
                try:
                    problems += build_graph(store, space.id, worker)
                except LockedError:
                    if not wait:
                        raise
                    time.sleep(LOCKED_SECONDS)
                store.refresh()
    return problems


if __name__ == "__main__":
    from pathlib import Path

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        for problem in build_graphs(Home(Path(sys.argv[1])), wait=False):
            log.warning("%s", problem)
    except LockedError:
        log.info("another process is building graphs")
    except PhotofindError as error:
        log.error("%s", error)
        sys.exit(1)
