"""Milvus as a store of photofind: one library that several machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photofind.paths import Home

if TYPE_CHECKING:
    from photofind_milvus.store import MilvusStore

__all__ = ["open_milvus"]


def open_milvus(
    home: Home,
    address: str,
    *,
    writable: bool,
    resident: bool,
    idle_seconds: float | None,
) -> MilvusStore:
    """Open the library at an address; as :class:`photofind.library.stores.Engine`.

    Parameters
    ----------
    home
        The user's home: one process writes from it at a time, and a token may be in it.
    address
        As :func:`photofind_milvus.address.parse_address` says.
    writable
        Whether to open it for writing too.
    resident, idle_seconds
        Not used: the server answers, and there are no child processes.

    Raises
    ------
    LockedError
        Another process writes from this home.
    NewerFormatError
        A later version of this plugin made the library.
    LibraryError
        The address says nothing that can be opened, or the server refuses or does not answer.
    """
    from photofind_milvus.store import MilvusStore

    return MilvusStore(home, address, writable=writable)
