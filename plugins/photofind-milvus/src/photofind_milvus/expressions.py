"""Filters as expressions that Milvus evaluates together with a search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import blake2b

from photofind.model.filters import Filter
from photofind_milvus.naming import Naming

__all__ = ["NOTHING", "digest", "expression_of", "joined", "one_of"]

NOTHING = "born < 0"
"""An expression that no row meets."""


def digest(*parts: object) -> int:
    """Return a number of 63 bits for some values; the same on all machines."""
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


def one_of(field: str, values: Iterable[int | str]) -> str:
    """Return the expression that a field has one of some values."""
    listed = ", ".join(json.dumps(value) for value in values)
    return f"{field} in [{listed}]" if listed else NOTHING


def joined(*expressions: str) -> str:
    """Return the expression that all of some hold; empty ones hold."""
    return " and ".join(f"({one})" for one in expressions if one)


def expression_of(where: Filter, naming: Naming, words_of: Callable[[str], Iterable[int]]) -> str:
    """Return the expression of a filter; "" where every photo passes.

    Parameters
    ----------
    where
        The filter.
    naming
        Of the paths of this machine.
    words_of
        Gives the digests of the words that a tag finds.
    """
    parts = []
    if where.folder is not None and (below := naming.below(where.folder)):
        parts.append(" or ".join(_below(place, inside) for place, inside in below))
    if where.since is not None:
        parts.append(f"moment >= {json.dumps(where.since)}")
    if where.until is not None:  # A shorter date stands for all that begin with it.
        parts.append(f"moment < {json.dumps(where.until + '~')}")
    parts += [_carried(words_of(tag)) for tag in where.tags]
    if where.failed is not None:
        parts.append(f"failed == {_truth(where.failed)}")
    for name in ("refused", "passing", "noted", "preliminary", "unmarked"):
        if getattr(where, name):
            parts.append(f"{name} == true")
    if where.embedded is not None:
        parts.append(f"array_contains(spaces, {digest(where.embedded)})")
    if where.lacking is not None:
        space = digest(where.lacking)
        parts += [
            "failed == false or refused == true",
            "preliminary == false",
            f"not array_contains(spaces, {space})",
            f"not array_contains(refusals, {space})",
        ]
    return joined(*parts)


def _below(place: str, inside: str) -> str:
    # All that begins with "/p/" stands between that and "/p0": "0" follows "/".
    after = inside[:-1] + "0"
    return f'path == "{place}" or (path >= "{inside}" and path < "{after}")'


def _carried(words: Iterable[int]) -> str:
    listed = ", ".join(map(str, words))
    return f"array_contains_any(words, [{listed}])" if listed else NOTHING


def _truth(value: bool) -> str:
    return "true" if value else "false"
