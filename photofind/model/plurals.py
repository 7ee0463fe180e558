"""Words with and without the endings of the plural, as in "cats" and "buses"."""

from __future__ import annotations

__all__ = ["singulars_and_plurals"]

SHORTEST = 3
"""Of shorter words nothing is a plural, or has one."""

_TAKE_ES = ("s", "x", "z", "ch", "sh", "o")


def singulars_and_plurals(word: str) -> list[str]:
    """Return what a folded word may be the singular or the plural of, whether there is such or not.

    "car" gives "cars", "bus" gives "buses", "boxes" gives "box" and "boxe".
    """
    if len(word) < SHORTEST:
        return []
    others = []
    if word.endswith("es"):
        others.append(word[:-2])
    if not word.endswith("s"):
        others.append(f"{word}s")
    elif not word.endswith("ss"):
        others.append(word[:-1])
    if word.endswith(_TAKE_ES):
        others.append(f"{word}es")
    return [other for other in others if len(other) >= SHORTEST]
