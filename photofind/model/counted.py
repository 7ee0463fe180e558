"""Numbers in messages, with what they count."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return such as "1 photo" or "2,000 photos".

    Parameters
    ----------
    one, many
        What is counted, where it is one and where it is not: "photo", or "photo is" and "photos
        are". Without ``many`` it is ``one`` with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
