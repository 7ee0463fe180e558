"""The address of a library: what PostgreSQL's own URIs say, and what is photofind's of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from photofind.errors import LibraryError
from photofind.library.locations import Machine, machine_of

__all__ = ["Address", "parse_address"]

_HINT = "an address is like postgres://HOST:PORT/DATABASE"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,40}")

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
        This one: paths are its own.
    """

    uri: str
    shown: str
    library: str
    machine: Machine


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
    options = dict(pair for pair in given if pair[0] not in ("library", "machine", "share"))
    options = {name: value for name, value in _PATIENCE.items() if name not in options} | options
    library = dict(given).get("library", "photofind")
    if not _IDENTIFIER.fullmatch(library) or library.startswith("pg_") or library == "public":
        raise LibraryError(
            f"a library cannot be called {library!r}", "use lower-case letters, digits and _"
        )
    query = urlencode(options, quote_via=quote)
    return Address(
        uri=f"postgresql://{parts.netloc}{parts.path}?{query}",
        shown=shown,
        library=library,
        machine=machine_of(given),
    )


def _without_secrets(address: str) -> str:
    """Return the place that an address names, without user, password and options."""
    scheme, separator, rest = address.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    return f"{scheme}{separator}{place.rpartition('@')[2]}"
