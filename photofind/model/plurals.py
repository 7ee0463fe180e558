"""Words with and without the endings of the plural, as in "cats", "buses", "puppies" and "mice".

Plurals that no rule makes are from WordNet; ``packaging/words/`` has the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

__all__ = ["by_rule", "singulars_and_plurals"]

SHORTEST = 3
"""Of shorter words nothing is a plural, or has one."""

_TAKE_ES = ("s", "x", "z", "ch", "sh", "o")
_VOWELS = "aeiou"


def singulars_and_plurals(word: str) -> list[str]:
    """Return what a folded word may be the singular or the plural of, whether there is such or not.

    "car" gives "cars", "bus" gives "buses", "boxes" gives "box" and "boxe", "geese" gives "goose".
    """
    if len(word) < SHORTEST or not word.isalpha():
        return []
    irregular = _irregular().get(word, ())
    return [*irregular, *(other for other in by_rule(word) if other not in irregular)]


def by_rule(word: str) -> list[str]:
    """Return the same by the rules of English alone."""
    others = []
    if word.endswith("ies"):
        others.append(f"{word[:-3]}y")
    if word.endswith("es"):
        others.append(word[:-2])
    if not word.endswith("s"):
        others.append(f"{word}s")
    elif not word.endswith("ss"):
        others.append(word[:-1])
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        others.append(f"{word[:-1]}ies")
    if word.endswith(_TAKE_ES):
        others.append(f"{word}es")
    return [other for other in others if len(other) >= SHORTEST]


@cache
def _irregular() -> Mapping[str, Sequence[str]]:
    """Return what no rule gives, in both directions."""
    text = files("photofind.model").joinpath("irregular_plurals.tsv").read_text("ascii")
    others: dict[str, list[str]] = {}
    for line in text.splitlines():
        plural, singular = line.split("\t")
        others.setdefault(plural, []).append(singular)
        others.setdefault(singular, []).append(plural)
    return others
