"""Opening a library by its address, as :class:`photofind.library.stores.Engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photofind.paths import Home

if TYPE_CHECKING:
    from photofind_postgres.store import PostgresStore

__all__ = ["open_postgres"]


def open_postgres(
    home: Home,
    address: str,
    *,
    writable: bool,
    resident: bool,
    idle_seconds: float | None,
) -> PostgresStore:
    """Open the library at an address, made where there is none; any number may write to it.

    Raises
    ------
    LibraryError
        The address is none, the server refuses or does not answer, or it holds a library of
        another version.
    """
    from photofind_postgres.address import parse_address
    from photofind_postgres.store import PostgresStore

    return PostgresStore(parse_address(address))
