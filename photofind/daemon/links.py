"""Links that let a browser in: each works once, and for a minute."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from photofind.daemon.sessions import Session
from photofind.errors import RequestError

__all__ = ["LINK_SECONDS", "Link", "Links", "local_path"]

LINK_SECONDS = 60

_MOST = 100
_MOST_NAMED = 1000


@dataclass
class Link:
    """Where a link leads, until when, and the session that it began once it was used."""

    target: str
    until: float
    session: Session | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it still lets a browser in."""
        return self.session is None and self.until > time.monotonic()


class Links:
    """The links of one daemon, by their secret codes. Threads may share it.

    Parameters
    ----------
    named
        Pictures that links of the last daemon named, whose pages may still be open.
    """

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}
        self._used: dict[str, Link] = {}
        self._named: deque[str] = deque(named, _MOST_NAMED)

    def make(self, path: str) -> str:
        """Return the code of a new link to a page of this server.

        Raises
        ------
        RequestError
            ``path`` leads to another server.
        """
        target, code = local_path(path), secrets.token_urlsafe(32)
        with self._lock:
            fresh = [item for item in self._links.items() if item[1].is_fresh]
            link = Link(target, time.monotonic() + LINK_SECONDS)
            self._links = dict([*fresh[1 - _MOST :], (code, link)])
        query = target.partition("?")[2]
        self._named.extend(
            os.fsdecode(unquote_to_bytes(value))
            for name, _, value in (item.partition("=") for item in query.split("&"))
            if name in ("path", "unpath")
        )
        return code

    def find(self, code: str) -> Link | None:
        """Return the link with this code, used or not; None if there is none any more."""
        return self._links.get(code) or self._used.get(code)

    def use(self, code: str, session: Session) -> None:
        """Remember which session a link began, for when it is opened again."""
        with self._lock:
            link = self._links.pop(code)
            link.session = session
            used = list(self._used.items())[1 - _MOST :]
            self._used = dict([*used, (code, link)])

    @property
    def named(self) -> tuple[str, ...]:
        """The pictures that links have named, made with the token."""
        return tuple(self._named)

    def is_named(self, path: str) -> bool:
        """Return whether a link, made with the token, led to a page that shows ``path``."""
        return path in self._named


def local_path(path: str) -> str:
    """Return a path of this server as it stands in an address.

    Raises
    ------
    RequestError
        ``path`` leads to another server.
    """
    if not path.startswith("/") or path[1:2] in ("/", "\\"):  # Browsers take these for hosts.
        raise RequestError(f"{path!r} is no page of this server", "a page begins with one slash")
    return quote(os.fsencode(path), safe="/?&=%#:@!$'()*+,;~[]")
