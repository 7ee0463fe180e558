"""Which photos a query, or somebody who browses, is about: of a folder, of a time, with tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from photofind.library.embedded.catalog import Photo
from photofind.paths import is_below
from photofind.search.tags import carries

__all__ = ["Filter", "moment_of"]


@dataclass(frozen=True)
class Filter:
    """Limits on where photos are, when they were taken, and what is said of them.

    Parameters
    ----------
    folder
        Only photos below this folder.
    since, until
        Only photos of this span: ISO 8601, each as precise as wanted (``until="2021"`` takes in
        all of 2021).
    tags
        Only photos that carry all of these tags or keywords, as
        :func:`~photofind.search.tags.carries` says.
    """

    folder: str | None = None
    since: str | None = None
    until: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def passes_all(self) -> bool:
        """Whether there is no limit."""
        return self == Filter()

    def passes(self, photo: Photo) -> bool:
        """Return whether a photo is where, from when, and of what it should be."""
        if self.folder is not None and not is_below(photo.path, self.folder):
            return False
        if not all(carries(photo, tag) for tag in self.tags):
            return False
        if self.since is None and self.until is None:
            return True
        # ISO 8601 sorts as text; a shorter date stands for all that begins with it.
        moment, since, until = moment_of(photo), self.since or "", self.until
        return moment[: len(since)] >= since and (until is None or moment[: len(until)] <= until)


def moment_of(photo: Photo) -> str:
    """Return when a photo was taken, or its file changed where it does not say; ISO 8601."""
    return photo.captured or datetime.fromtimestamp(photo.modified / 1e9).isoformat()
