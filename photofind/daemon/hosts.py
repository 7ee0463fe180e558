"""The names by which a server on this machine is reached.

Every start of the daemon has a host name of its own, below ``localhost``. To a browser it is an
origin and a site that never was: cookies of it reach no other port of the machine, and no other
server could leave a service worker or a cache there. Browsers know by themselves that such names
mean this machine (RFC 6761); Safari asks the system, which may not know.
"""

from __future__ import annotations

import secrets
import socket
import sys

__all__ = ["NUMERIC", "host_for_pages", "is_unique"]

NUMERIC = "127.0.0.1"


def host_for_pages() -> str:
    """Return the host name at which browsers shall find the pages of a daemon that starts."""
    name = f"photofind-{secrets.token_hex(8)}.localhost"
    return name if sys.platform != "darwin" or _is_known(name) else NUMERIC


def is_unique(host: str) -> bool:
    """Return whether a host name belongs to one daemon alone."""
    return host != NUMERIC


def _is_known(name: str) -> bool:
    """Return whether the system knows that a name means this machine."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return {address[0] for *_, address in found} <= {NUMERIC, "::1"}
