"""What is found of photos that are looked for in the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from photofind.model.indexing import Skipped

__all__ = ["KnownPhoto", "KnownState", "PhotoFiles"]

KnownState = Literal["identical", "same picture", "new", "indexed", "failed"]
"""Whether the library has a photo.

"identical" and "same picture": another file in it has the content, or shows the picture; "indexed":
it is in the library itself, and no other file has its content; "failed": it cannot be read.
"""


@dataclass(frozen=True)
class KnownPhoto:
    """Whether the library has a photo already.

    Parameters
    ----------
    path
        The photo, as it was asked for.
    state
        See :data:`KnownState`.
    matches
        The paths of the photos that are identical or show the same picture, the most alike first.
    ids
        Their ids.
    done
        What was done to the photo, compared with the first of these, such as "rescaled".
    reason
        Why it cannot be read, where it failed.
    """

    path: str
    state: KnownState
    matches: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    done: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class PhotoFiles:
    """The photos in a folder that need not be of the library.

    Parameters
    ----------
    paths
        Absolute, in the order in which they lie there.
    skipped
        What could not be looked at.
    """

    paths: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
