"""The choice of extractors, as a person types it."""

from __future__ import annotations

from photofind.errors import ExtractorError

__all__ = ["parse_extractors"]


def parse_extractors(text: str) -> dict[str, float]:
    """Parse "a", "a,b" or "a=2,b=1"; return the weights by extractor.

    Raises
    ------
    ExtractorError
        If the text has another form.
    """
    weights: dict[str, float] = {}
    for item in text.split(","):
        name, _, typed = item.strip().partition("=")
        try:
            weight = float(typed) if typed else 1.0
        except ValueError:
            weight = -1.0
        if not name or not 0 < weight < float("inf") or name in weights:
            raise ExtractorError(
                f"{text!r} is not a list of extractors",
                "give one name, or several separated by commas, with optional weights: a=2,b=1",
            )
        weights[name] = weight
    return weights
