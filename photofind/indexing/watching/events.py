"""What watching reports: a path, and what happened there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Change", "Kind"]


class Kind(Enum):
    """What happened at a path."""

    CHANGED = auto()
    """A file came or changed, and may still be being written."""
    COMPLETE = auto()
    """A file came or changed, and is complete as far as is known: it was closed, or moved."""
    GONE = auto()
    """The file or folder is no longer there."""
    TREE = auto()
    """The folder is to be looked at with everything below it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened in a watched folder.

    It says where to look, not what is there: that may have changed again.

    Parameters
    ----------
    kind
        What happened.
    path
        Absolute, below the added folder as that was given. Bytes that are not UTF-8 are lone
        surrogates.
    """

    kind: Kind
    path: str
