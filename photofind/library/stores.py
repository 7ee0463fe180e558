"""The engines that can keep a library, and opening the one in use.

They are the entry points of the group ``photofind.stores``; the setting ``store`` chooses one by
its name, or by an address whose scheme is its name. Importing this module costs next to nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from photofind.errors import LibraryError
from photofind.paths import Home
from photofind.settings import Settings, load_settings
from photofind.system.entry_points import load_point, points_of

if TYPE_CHECKING:
    from photofind.library.store import Store

__all__ = ["EMBEDDED", "GROUP", "Engine", "check_engine", "open_store", "store_exists"]

GROUP = "photofind.stores"
EMBEDDED = "embedded"


class Engine(Protocol):
    """What an entry point of the group gives: it opens a store."""

    def __call__(
        self,
        home: Home,
        address: str,
        *,
        writable: bool,
        resident: bool,
        idle_seconds: float | None,
    ) -> Store:
        """Open the store.

        Parameters
        ----------
        home
            The user's home, for what the engine keeps on this machine.
        address
            The setting ``store``.
        writable
            Whether to open it for writing too.
        resident
            Whether many queries will come, so that it is worth it to keep much in memory.
        idle_seconds
            Child processes of the engine end after so long without work; None is never.
        """
        ...


def open_store(
    home: Home,
    settings: Settings | None = None,
    *,
    writable: bool = False,
    resident: bool = False,
) -> Store:
    """Open the library of a home.

    Parameters
    ----------
    settings
        The home's own where not given.
    writable
        Whether to open it for writing too.
    resident
        Whether many queries will come.

    Raises
    ------
    LockedError
        Another process has it open for writing.
    LibraryError
        The engine is not installed or does not work, or the library cannot be opened.
    """
    settings = settings or load_settings(home.settings)
    return _engine(settings.store)(
        home,
        settings.store,
        writable=writable,
        resident=resident,
        idle_seconds=settings.idle_minutes * 60,
    )


def store_exists(home: Home) -> bool:
    """Return whether there is a library in a home, or one elsewhere was chosen for it."""
    if home.catalog.exists():
        return True
    return load_settings(home.settings).store != EMBEDDED


def check_engine(address: str) -> None:
    """Check whether an address can be set, and its engine is installed; it is not opened.

    Raises
    ------
    LibraryError
        The engine is not installed, or does not work; or the address holds a password.
    """
    from urllib.parse import parse_qs, urlsplit

    holds_password = False
    with suppress(ValueError):  # What is no address is for its engine to say.
        parts = urlsplit(address)
        holds_password = parts.password is not None or "password" in parse_qs(parts.query)
    if holds_password:
        raise LibraryError(
            "the setting store must not hold a password: settings are shown to whoever looks",
            "leave it out; the engine's own documentation says where it is kept",
        )
    _engine(address)


def _engine(address: str) -> Engine:
    if address == EMBEDDED:  # Looking through what is installed takes longer than opening this.
        from photofind.library.embedded.store import open_embedded

        return open_embedded
    return _installed_engine(address.partition("://")[0])


def _installed_engine(name: str) -> Engine:
    points = points_of(GROUP)
    if name not in points:
        installed = ", ".join(sorted({EMBEDDED, *points}))
        raise LibraryError(
            f"the setting store names the engine {name!r}, which is not installed",
            f"installed: {installed}",
        )
    engine: Engine = load_point(points[name], f"the engine {name!r}", LibraryError)
    return engine
