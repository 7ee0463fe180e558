"""The address of a library: what PostgreSQL's own URIs say, and what is photofind's of it."""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from photofind.errors import LibraryError

__all__ = ["Address", "parse_address"]

_HINT = "an address is like postgres://HOST:PORT/DATABASE"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,40}")
_NAME = re.compile(r"[^/\\\s%]+")

# A server that is cut off is noticed within half a minute.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "application_name": "photofind",
}


@dataclass(frozen=True)
class Address:
    """Where a library is, and who asks.

    Parameters
    ----------
    uri
        For libpq, which finds the password by itself.
    shown
        The server and the database, for messages.
    library
        The name of the library in the database: its schema.
    machine
        The name of this machine: paths are its own.
    user
        Who looks after the folders that are added here.
    shares
        Where shares are mounted on this machine, by their names.
    """

    uri: str
    shown: str
    library: str
    machine: str
    user: str
    shares: Mapping[str, str]

    @property
    def watcher(self) -> str:
        """Who looks after folders: a user of a machine."""
        return f"{self.user}@{self.machine}"


def parse_address(address: str) -> Address:
    """Return what an address says.

    Raises
    ------
    LibraryError
        It is none, or holds a password.
    """
    shown = _without_secrets(address)
    try:
        parts = urlsplit(address)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        secret = parts.password is not None or any(name == "password" for name, _ in given)
    except ValueError:
        raise LibraryError(f"{shown} is no address of a library", _HINT) from None
    if secret:
        raise LibraryError(
            f"the address {shown} holds a password, which settings show to anyone who looks",
            "leave it out, and write it into the password file ~/.pgpass, which is 0600",
        )
    own = {name: value for name, value in given if name in ("library", "machine")}
    options = dict(pair for pair in given if pair[0] not in ("library", "machine", "share"))
    options = {name: value for name, value in _PATIENCE.items() if name not in options} | options
    library = own.get("library", "photofind")
    if not _IDENTIFIER.fullmatch(library) or library.startswith("pg_") or library == "public":
        raise LibraryError(
            f"a library cannot be called {library!r}", "use lower-case letters, digits and _"
        )
    machine = own.get("machine") or platform.node() or "localhost"
    if not _NAME.fullmatch(machine):
        raise LibraryError(f"a machine cannot be called {machine!r}", "use a name without a slash")
    query = urlencode(options, quote_via=quote)
    return Address(
        uri=f"postgresql://{parts.netloc}{parts.path}?{query}",
        shown=shown,
        library=library,
        machine=machine,
        user=_user(),
        shares=dict(_share(value) for name, value in given if name == "share"),
    )


def _share(value: str) -> tuple[str, str]:
    name, colon, mount = value.partition(":")
    if not colon or not _NAME.fullmatch(name) or not mount:
        raise LibraryError(
            f"share={value} does not say where a share is mounted",
            "it is like share=nas:/mnt/nas, with the same name on every machine",
        )
    return name, mount.rstrip("/\\") or mount


def _without_secrets(address: str) -> str:
    """Return the place that an address names, without user, password and options."""
    scheme, separator, rest = address.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    return f"{scheme}{separator}{place.rpartition('@')[2]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # It has no name.
        return "user"
