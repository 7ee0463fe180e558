"""Text from outside, as it may reach a terminal.

File names, captions, arguments, answers of servers and messages of exceptions may hold what a
terminal obeys: escapes that write a title or answer as if they were typed, carriage returns that
overwrite a line, marks that turn the direction of what follows. Everything that is printed for
people goes through :func:`shown`; JSON escapes such characters itself.
"""

from __future__ import annotations

__all__ = ["shown"]

ZERO_WIDTH_JOINER = "\u200d"  # Joins several emoji into one.


def shown(text: str) -> str:
    """Return ``text`` with control characters, direction marks and the like escaped."""
    if text.isascii() and text.isprintable():
        return text
    import unicodedata  # Few texts need it, and commands wait for what they import.

    def is_harmless(character: str) -> bool:
        return (
            character.isprintable()
            or character == ZERO_WIDTH_JOINER
            or unicodedata.category(character) == "Zs"  # Spaces of other widths.
        )

    return "".join(c if is_harmless(c) else c.encode("unicode_escape").decode() for c in text)
