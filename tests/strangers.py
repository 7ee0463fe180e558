"""Programs of another user of the machine, where this one may be another user."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["stranger"]

_ANOTHER = """
import encodings.idna
import os
if os.name == "posix" and os.getuid() == 0:
    import pwd
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
"""


@contextmanager
def stranger(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program while a block lasts: as ``nobody`` if this is root, else as this user.

    It has to have said "ready" when the block begins. What it imports, it has to import first.
    """
    imports, _, rest = code.partition("\n\n")
    with subprocess.Popen(
        [sys.executable, "-c", imports + _ANOTHER + rest, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()
