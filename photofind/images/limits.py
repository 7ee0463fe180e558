"""Limits on the size of a photo."""

from __future__ import annotations

from dataclasses import dataclass

from photofind.errors import ImageError

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """The largest photo that is read and decoded.

    Attributes
    ----------
    pixels
        Width times height, as the file's header declares them.
    bytes
        Size of the file.
    """

    pixels: int = 250_000_000
    bytes: int = 1 << 30

    def check_pixels(self, width: int, height: int) -> None:
        """Raise an :class:`ImageError` if a photo of this size is too large to be decoded."""
        if width * height > self.pixels:
            raise ImageError(f"too large: {width} x {height} pixels, limit {self.pixels:,}")


DEFAULT_LIMITS = Limits()
