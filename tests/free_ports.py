"""Ports for servers that are told theirs, and take it only later."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

__all__ = ["free_ports"]

# Systems take none of these by themselves. Others could be somebody's connection by the time that
# the server begins, or begins again.
_OURS = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return ports of this machine's loopback that are free, all different."""
    found: set[int] = set()
    while len(found) < count:
        # Not `random`: Hypothesis makes its numbers the same in all processes.
        port = secrets.choice(_OURS)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            found.add(port)
    return [*found]
