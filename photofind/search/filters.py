"""Which photos a query, or somebody who browses, is about: those of a folder, those of a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from photofind.library.catalog import Photo
from photofind.paths import is_below

__all__ = ["Filter", "moment_of"]


@dataclass(frozen=True)
class Filter:
    """Limits on where photos are and when they were taken.

    Parameters
    ----------
    folder
        Only photos below this folder.
    since, until
        Only photos of this span: ISO 8601, each as precise as wanted (``until="2021"`` takes in
        all of 2021).
    """

    folder: str | None = None
    since: str | None = None
    until: str | None = None

    @property
    def passes_all(self) -> bool:
        """Whether there is no limit."""
        return self.folder is None and self.since is None and self.until is None

    def passes(self, photo: Photo) -> bool:
        """Return whether a photo is where, and from when, it should be."""
        if self.folder is not None and not is_below(photo.path, self.folder):
            return False
        if self.since is None and self.until is None:
            return True
        # ISO 8601 sorts as text; a shorter date stands for all that begins with it.
        moment, since, until = moment_of(photo), self.since or "", self.until
        return moment[: len(since)] >= since and (until is None or moment[: len(until)] <= until)


def moment_of(photo: Photo) -> str:
    """Return when a photo was taken, or its file changed where it does not say; ISO 8601."""
    return photo.captured or datetime.fromtimestamp(photo.modified / 1e9).isoformat()
