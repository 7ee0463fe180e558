"""Limits on the size of a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from photofind.errors import ImageError

if TYPE_CHECKING:
    from photofind.images.cost import Cost

__all__ = ["DEFAULT_LIMITS", "SPARE_BYTES", "Limits"]

SPARE_BYTES = 1_000_000_000
"""What a process that decodes takes besides: its libraries, and the file."""


@dataclass(frozen=True)
class Limits:
    """The largest photo that is read and decoded.

    Attributes
    ----------
    pixels
        Width times height, as the file's header declares them, or as a JPEG is decoded.
    bytes
        Size of the file.
    memory
        What decoding it takes, in bytes.
    seconds
        The measure for the processor time of reading it; see :meth:`seconds_for`.
    """

    pixels: int = 250_000_000
    bytes: int = 1 << 30
    memory: int = 3_000_000_000
    seconds: float = 60.0

    def check_pixels(self, width: int, height: int) -> None:
        """Raise an :class:`ImageError` if a photo of this size is too large to be decoded."""
        if width * height > self.pixels:
            raise ImageError(f"too large: {width} x {height} pixels, limit {self.pixels:,}")

    def check_memory(self, cost: Cost) -> None:
        """Raise an :class:`ImageError` if decoding a photo takes too much memory."""
        if cost.memory > self.memory:
            raise ImageError(
                f"too large: decoding it takes about {cost.memory / 1e6:,.0f} MB of memory, "
                f"limit {self.memory / 1e6:,.0f}"
            )

    def seconds_for(self, size: int, pixels: int = 0) -> float:
        """Return the processor time that reading a photo may take.

        With the default of 60 that is 15 s, 0.3 s for each megabyte and 1 s for each megapixel: ten
        times what the slowest formats took on a slow processor.

        Parameters
        ----------
        size
            Of its file, in bytes.
        pixels
            Of the photo; 0 until they are known.
        """
        return self.seconds * (1 / 4 + size / 200e6 + min(pixels, self.pixels) / 60e6)

    def in_company(self) -> Limits:
        """Return the limits of a photo for which others wait: a fifth of the time.

        That is still twice what the slowest formats took on a slow processor.
        """
        return replace(self, seconds=self.seconds / 5)


DEFAULT_LIMITS = Limits()
