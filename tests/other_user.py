"""Another user of the machine: functions that are run as one."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NOBODY", "as_nobody", "needs_another_user", "open_folder"]

NOBODY = 65534

needs_another_user = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user"
)


def as_nobody(function: Callable[[], Any]) -> Any:
    """Return what a function returns to another user, as JSON has it.

    It runs in a fork, which may not be able to start programs: those of root may be out of reach.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer = json.dumps(function()).encode()
            with os.fdopen(writing, "wb") as file:
                file.write(answer)
            code = 0
        except BaseException:  # noqa: BLE001 - it is printed, and the test fails.
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(answer)


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every user can enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory(prefix="photofind-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
