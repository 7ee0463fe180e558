"""What each field of a query is called at every door: on the command line, and in the page's URL.

Over HTTP and in Python it is the field's own name. Commands import this when they start, so it
imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from photofind.model import Query

__all__ = ["QUERY_FIELDS", "QueryField", "url_parameters"]


class QueryField(NamedTuple):
    """A field of :class:`photofind.model.Query`.

    Attributes
    ----------
    name
        Of the field.
    options
        Of ``photofind similar``; IMAGES are its arguments.
    url
        The parameter of the page's URL; None if the page has none. Photos stand under this name
        by their ids, and under ``url_path`` by their paths.
    """

    name: str
    options: tuple[str, ...]
    url: str | None
    url_path: str | None = None


QUERY_FIELDS = {
    one.name: one
    for one in (
        QueryField("like", ("IMAGES",), "like", "path"),
        QueryField("unlike", ("--not",), "unlike", "unpath"),
        QueryField("limit", ("-n", "--hits"), None),
        QueryField("folder", ("--in",), "folder"),
        QueryField("since", ("--since",), "since"),
        QueryField("until", ("--until",), "until"),
        QueryField("min_score", ("--min-score",), "min"),
        QueryField("tags", ("--tag",), "tag"),
        QueryField("extractor", ("--extractor",), "extractor"),
        QueryField("plain", ("--plain",), None),
        QueryField("every", ("--all",), None),
        QueryField("box", ("--box",), "box"),
        QueryField("any_rotation", ("--any-rotation/--no-rotation",), "turned"),
        QueryField("originals", ("--originals",), "originals"),
        QueryField("words", ("--words",), "words"),
        QueryField("words_weight", ("--words-weight",), "weight"),
        QueryField("feedback", ("--feedback/--no-feedback",), "feedback"),
    )
}
"""By the names of the fields."""


_EITHER = ("any_rotation", "feedback")
"""Fields whose False differs from what the settings say."""


def url_parameters(query: Query) -> Iterator[tuple[str, int | str | float]]:
    """Yield the parameters of the page's URL for a query, several of one name if need be.

    Those that the query leaves to the settings are left out.
    """
    for field in QUERY_FIELDS.values():
        value = getattr(query, field.name)
        if field.name == "box" and value is not None:
            value = ",".join(f"{one:g}" for one in value)
        elif isinstance(value, bool):
            value = "yes" if value else "no" if field.name in _EITHER else None
        for one in value if isinstance(value, tuple) else (value,):
            is_path = field.url_path is not None and isinstance(one, str)
            name = field.url_path if is_path else field.url
            if name is not None and one is not None:
                yield name, one
