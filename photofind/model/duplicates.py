"""Photos that show the same, and which of them to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DuplicateGroup", "DuplicateKind", "NotSame", "Proposal", "Spread"]

DuplicateKind = Literal["identical content", "same picture", "same scene"]
Spread = Literal["any", "across", "within"]
"""Where photos of a group lie: anywhere, in different folders, or all in one."""


@dataclass(frozen=True)
class Proposal:
    """Which photos of a group to keep, and which may go to the trash.

    Parameters
    ----------
    keep, trash
        Their numbers. The first that is kept stands for those that go.
    reason
        Why these are kept.
    """

    keep: tuple[int, ...]
    trash: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that show the same picture or scene; all others match the first.

    Parameters
    ----------
    paths
        The photos, the one that is shown first.
    kind
        What they have in common: the bytes of the files, the picture, or the moment.
    similarity
        The lowest cosine between any of them and the first.
    ids
        Their numbers in the library.
    differences
        What was done to each of them, compared with the first: "rescaled", "re-encoded",
        "cropped" and so on; nothing where that is not known.
    proposal
        What to keep of them; None where that was not asked.
    """

    paths: tuple[str, ...]
    kind: DuplicateKind
    similarity: float
    ids: tuple[int, ...] = ()
    differences: tuple[tuple[str, ...], ...] = ()
    proposal: Proposal | None = None


@dataclass(frozen=True)
class NotSame:
    """Two contents that a person said do not show the same.

    Parameters
    ----------
    pair
        Both content ids, with a colon between them.
    first, second
        The paths of the photos that have the one and the other content now.
    """

    pair: str
    first: tuple[str, ...]
    second: tuple[str, ...]
