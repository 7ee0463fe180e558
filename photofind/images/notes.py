"""What is noted of a photo of which a part could not be read."""

from __future__ import annotations

__all__ = ["HEADER", "PIXELS", "is_damaged"]

HEADER = "damaged or oversized parts of its header were skipped"
PIXELS = "damaged or cut off: shown as far as it can be read"


def is_damaged(note: str | None) -> bool:
    """Return whether some pixels of a photo may be missing, by its note."""
    return note == PIXELS
