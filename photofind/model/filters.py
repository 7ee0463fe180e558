"""Which photos a query, a page of photos, or an indexing step is about."""

from __future__ import annotations

from dataclasses import dataclass

from photofind.model.records import Photo
from photofind.model.words import carries
from photofind.paths import is_below

__all__ = ["EVERYTHING", "Filter"]


@dataclass(frozen=True)
class Filter:
    """Limits on where photos are, when they were taken, their tags, and how far they are indexed.

    Parameters
    ----------
    folder
        Only photos below this folder.
    since, until
        Only photos of this span: ISO 8601, each as precise as wanted (``until="2021"`` takes in
        all of 2021).
    tags
        Only photos that carry all of these tags or keywords, as
        :func:`~photofind.model.words.carries` says.
    failed
        Only photos that could not be indexed, or (False) only those that could or wait to be.
    refused
        Only photos that some extractor refused.
    passing
        Only photos that failed, or were refused, for a reason that passes, and are tried again.
    noted
        Only photos of which a part could not be read.
    preliminary
        Only photos of which just the thumbnail was embedded so far.
    embedded
        Only photos whose content has an embedding in this space, an id.
    lacking
        Only photos that the extractor of this space, an id, has still to embed: neither embedded
        nor refused there, nor unreadable for every extractor, nor preliminary.
    unmarked
        Only photos that are embedded whole and have no fingerprint: an older photofind made none.
    """

    folder: str | None = None
    since: str | None = None
    until: str | None = None
    tags: tuple[str, ...] = ()
    failed: bool | None = None
    refused: bool = False
    passing: bool = False
    noted: bool = False
    preliminary: bool = False
    embedded: str | None = None
    lacking: str | None = None
    unmarked: bool = False

    def passes(self, photo: Photo) -> bool:
        """Return whether a photo is within the limits."""
        return (
            (self.folder is None or is_below(photo.path, self.folder))
            and (self.failed is None or self.failed == (photo.failure is not None))
            and (not self.refused or bool(photo.refusals))
            and (not self.passing or photo.retry is not None)
            and (not self.noted or photo.note is not None)
            and (not self.preliminary or photo.preliminary)
            and (self.embedded is None or self.embedded in photo.spaces)
            and (self.lacking is None or _lacks(photo, self.lacking))
            and (not self.unmarked or _is_unmarked(photo))
            and all(carries(photo, tag) for tag in self.tags)
            and self._is_within(photo)
        )

    def _is_within(self, photo: Photo) -> bool:
        if self.since is None and self.until is None:
            return True
        # ISO 8601 sorts as text; a shorter date stands for all that begin with it.
        moment, since, until = photo.moment, self.since or "", self.until
        return moment[: len(since)] >= since and (until is None or moment[: len(until)] <= until)


EVERYTHING = Filter()


def _is_unmarked(photo: Photo) -> bool:
    return photo.fingerprint is None and bool(photo.spaces) and not photo.preliminary


def _lacks(photo: Photo, space: str) -> bool:
    return (
        (photo.failure is None or bool(photo.refusals))
        and not photo.preliminary
        and space not in photo.spaces
        and space not in photo.refusals
    )
