"""Filters as conditions of SQL on a photo ``f``: the same as ``Filter.passes`` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from photofind.model.filters import Filter
from photofind_postgres.locations import Locations, encoded
from photofind_postgres.rows import column_text

__all__ = ["condition"]

_LAST = "\U0010ffff"  # Sorts behind everything that begins the same.


def condition(
    where: Filter,
    locations: Locations,
    numbers: Mapping[str, int],
    words: Callable[[str], list[int]],
) -> tuple[str, list[Any]]:
    """Return a condition, "true" where everything passes, and its values.

    Parameters
    ----------
    numbers
        The numbers of spaces by their ids.
    words
        Gives the numbers of the words that a tag finds.
    """
    parts: list[str] = []
    values: list[Any] = []

    def add(part: str, *given: Any) -> None:
        parts.append(part)
        values.extend(given)

    if where.folder is not None and where.folder != "/":
        _below(where.folder, locations, add)
    if where.since is not None:
        add("f.moment >= %s", column_text(where.since))
    if where.until is not None:
        add("f.moment <= %s", column_text(where.until) + _LAST)
    for tag in where.tags:
        add("f.words && %s::int[]", words(tag))
    if where.failed is not None:
        add("f.failed" if where.failed else "NOT f.failed")
    if where.refused:
        add("f.refused <> '{}'")
    if where.passing:
        add("f.passing")
    if where.noted:
        add("f.noted")
    if where.preliminary:
        add("f.preliminary")
    if where.unmarked:
        add("f.unmarked")
    if where.embedded is not None:
        add("f.spaces @> %s::int[]", [numbers.get(where.embedded, 0)])
    if where.lacking is not None:
        add(
            "(NOT f.failed OR f.refused <> '{}') AND NOT f.preliminary"
            " AND NOT f.spaces @> %s::int[] AND NOT f.refused @> %s::text[]",
            [numbers.get(where.lacking, 0)],
            [column_text(where.lacking)],
        )
    return " AND ".join(parts) or "true", values


def _below(folder: str, locations: Locations, add: Callable[..., None]) -> None:
    """Add the condition that a photo lies below a folder, or is what it names."""
    parts: list[str] = []
    values: list[Any] = []
    for origin, plain in locations.below(folder):
        path = encoded(plain)
        inside = path.rstrip(b"/") + b"/"
        parts.append(
            "f.place IN (SELECT id FROM places WHERE origin = %s"
            " AND (path = %s OR substring(path FROM 1 FOR %s) = %s))"
        )
        values += [origin, path.rstrip(b"/") or b"/", len(inside), inside]
    location = locations.location(folder)
    parts.append(
        "f.place IN (SELECT id FROM places WHERE origin = %s AND path = %s) AND f.name = %s"
    )
    values += [*location]
    add("(" + " OR ".join(f"({part})" for part in parts) + ")", *values)
