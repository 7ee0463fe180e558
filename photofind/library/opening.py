"""Opening the library of a home."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photofind.library.store import Store
    from photofind.paths import Home

__all__ = ["open_store"]


def open_store(
    home: Home,
    *,
    writable: bool = False,
    resident: bool = False,
    idle_seconds: float | None = None,
) -> Store:
    """Open the library of a home; the parameters and errors are those of the default engine.

    See :class:`~photofind.library.embedded.store.EmbeddedStore`.
    """
    from photofind.library.embedded.store import EmbeddedStore

    return EmbeddedStore(home, writable=writable, resident=resident, idle_seconds=idle_seconds)
