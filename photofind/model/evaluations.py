"""The evaluations whose reports are kept."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EvaluationRecord"]


@dataclass(frozen=True)
class EvaluationRecord:
    """An evaluation whose report is kept.

    Parameters
    ----------
    id
        Its name.
    created
        When it was made, ISO 8601, UTC.
    source
        The folder or the CSV of labelled photos.
    photos, classes
        How many there were.
    extractors
        The choices of extractors that were compared.
    complete
        Whether it went to its end.
    digest
        The SHA-256 of the report, hexadecimal: another file in its place is not shown.
    """

    id: str
    created: str
    source: str
    photos: int
    classes: int
    extractors: tuple[str, ...]
    complete: bool
    digest: str
