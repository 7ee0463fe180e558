"""The browsers that were let in: each has a session, which its cookie names."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Session", "Sessions"]

_MOST = 1000


@dataclass(eq=False)
class Session:
    """A browser that was let in.

    Parameters
    ----------
    begun
        When a link let it in, seconds since 1970; a session that returns to the next daemon keeps
        that.
    """

    begun: float
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    is_withdrawn: bool = False


class Sessions:
    """The sessions of one daemon, which end with it."""

    def __init__(self) -> None:
        self._by_cookie: dict[str, Session] = {}

    def begin(self, begun: float | None = None) -> Session:
        """Return a new session; the oldest of a thousand ends."""
        session = Session(time.time() if begun is None else begun)
        while len(self._by_cookie) >= _MOST:
            self.withdraw(next(iter(self._by_cookie.values())))
        self._by_cookie[session.cookie] = session
        return session

    def find(self, cookies: Iterable[str]) -> Session | None:
        """Return the session that one of some cookies names."""
        # Cookies are random and 256 bits long: the time of a look-up helps nobody to guess one.
        return next(filter(None, map(self._by_cookie.get, cookies)), None)

    def withdraw(self, session: Session) -> None:
        """End a session at once, with the answers to it that are under way."""
        session.is_withdrawn = True
        self._by_cookie.pop(session.cookie, None)
