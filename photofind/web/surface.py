"""What the page's own routes ask of photofind."""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from photofind.model import Overview, PhotoDetails, Trashing, Untrashing

__all__ = ["Surface"]


class Surface(Protocol):
    """Methods of `PhotoFind`, which are documented there."""

    def photo(self, photo: int | str) -> PhotoDetails: ...
    def overview(self, folder: str | None = None) -> Overview: ...
    def thumbnail_of(self, path: str, size: int = 256) -> bytes: ...
    def open(self, photo: int | str) -> None: ...
    def reveal(self, photo: int | str) -> None: ...
    def trash(self, photos: Sequence[int]) -> Trashing: ...
    def untrash(self, undo: str) -> Untrashing: ...
