"""What the page's own routes ask of photofind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from photofind.values import Overview, PhotoDetails, Trashing, Untrashing

__all__ = ["Surface"]


class Surface(Protocol):
    """Methods of `PhotoFind`, which are documented there, and one of the daemon's alone."""

    def photo(self, photo: int | str) -> PhotoDetails: ...  # noqa: D102
    def open(self, photo: int | str) -> None: ...  # noqa: D102
    def reveal(self, photo: int | str) -> None: ...  # noqa: D102
    def trash(self, photos: Sequence[int]) -> Trashing: ...  # noqa: D102
    def untrash(self, undo: str) -> Untrashing: ...  # noqa: D102
    def overview(self, folder: str | None = None) -> Overview: ...  # noqa: D102

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        """Return a JPEG of at most ``size`` pixels a side of a picture outside the library."""
        ...
