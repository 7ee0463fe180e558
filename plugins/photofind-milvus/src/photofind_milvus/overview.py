"""What is told of all photos: counts, places, tags, and the newest ones page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from photofind.library.kinds import listed_kinds, tag_counts
from photofind.library.store import Counts, Place, SpaceCounts
from photofind.model import TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Photo
from photofind_milvus.expressions import digest, joined
from photofind_milvus.library import Library
from photofind_milvus.rows import PHOTO_FIELDS, PHOTOS, photo_in
from photofind_milvus.tallies import Tallies

__all__ = ["Overview"]

_FEW = 2000
"""So many photos are fetched and sorted at once."""
_LAST = 10**14


class Overview:
    """Answers from counts of the server; threads may share it.

    Parameters
    ----------
    library
        What it tells of.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._tallies = Tallies(library)
        self._looking = threading.RLock()
        self._version = ""
        self._known: dict[str, int] = {}

    def counts(self) -> Counts:
        """Return how many photos there are."""
        count = self._count
        return Counts(
            count(EVERYTHING),
            count(Filter(failed=True)),
            count(Filter(preliminary=True)),
            count(Filter(unmarked=True)),
            count(Filter(failed=False, noted=True)),
        )

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""
        refused = joined(self._library.state.visible, f"array_contains(refusals, {digest(space)})")
        first = joined(self._library.expression(Filter(embedded=space)), "is_copy == false")
        return SpaceCounts(
            self._count(Filter(embedded=space)),
            self._count(Filter(lacking=space)),
            self._counted(refused),
            self._counted(first),
        )

    def count(self, where: Filter) -> int:
        """Return how many photos a filter lets pass."""
        return self._count(where)

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        where = joined(self._library.expression(Filter(embedded=space)), "is_copy == true")
        contents: dict[str, None] = {}
        for page in self._library.connection.pages(PHOTOS, where, ["content"]):
            contents.update(dict.fromkeys(row["content"] for row in page))
        return list(contents)

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""
        shown = self._library.naming.shown
        return [
            Place(shown(folder), month, photos)
            for (folder, month), photos in self._tallies.places().items()
        ]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail, the most frequent first."""
        carried = self._tallies.carried()
        kinds = {
            word: kind for word, kind in self._library.vocabulary.all().items() if word in carried
        }
        listed = listed_kinds(kinds)
        return tag_counts(kinds, listed, self._tallies.carriers(listed))

    def newest(self, where: Filter, offset: int, limit: int | None) -> Iterator[Photo]:
        """Yield photos from the newest on.

        The server does not sort. By counting it is found which span of time has what is wanted,
        and that is fetched and sorted.
        """
        left = self._count(where) - offset
        wanted = left if limit is None else min(left, limit)
        end, skipped = _LAST, 0
        if wanted > 0 and offset > _FEW:
            end, skipped = self._span(where, offset - _FEW, offset)
        while wanted > 0:
            # Of what is older than `end`, all down to where enough of it is.
            needed = offset - skipped + min(wanted, _FEW)
            start, counted = self._span(where, skipped + needed, skipped + needed + _FEW)
            photos = self._between(where, start, end)
            some = photos[offset - skipped : offset - skipped + wanted]
            yield from some
            wanted -= len(some)
            offset += len(some)
            skipped += len(photos)
            end = start
            if start <= 0 or counted == 0:
                return

    def _span(self, where: Filter, least: int, most: int) -> tuple[int, int]:
        """Return from when on there are at least so many photos, and how many there are.

        There may be more than ``most`` where many are of one second.
        """
        low, high = 0, _LAST
        total = self._count(where)
        if total <= most:
            return 0, total
        at_low = total
        while high - low > 1:
            middle = (low + high) // 2
            count = self._count(where, middle)
            if count < least:
                high = middle
            else:
                low, at_low = middle, count
                if count <= most:
                    break
        return low, at_low

    def _between(self, where: Filter, start: int, end: int) -> list[Photo]:
        expression = joined(self._library.expression(where), f"taken >= {start} and taken < {end}")
        photos = [
            photo_in(row, self._library.naming).photo
            for page in self._library.connection.pages(PHOTOS, expression, PHOTO_FIELDS)
            for row in page
        ]
        return sorted(photos, key=lambda photo: (photo.moment, photo.id), reverse=True)

    def _count(self, where: Filter, since: int = 0) -> int:
        """Return how many photos pass, from some time on."""
        return self._counted(
            joined(self._library.expression(where), f"taken >= {since}" if since else "")
        )

    def _counted(self, expression: str) -> int:
        """Return how many rows an expression is true of; counted once for each state."""
        version = self._library.state.version
        with self._looking:
            if version != self._version:
                self._version, self._known = version, {}
            known = self._known.get(expression)
        if known is None:
            known = self._library.connection.count(PHOTOS, expression)
            with self._looking:
                if version == self._version:
                    self._known[expression] = known
        return known
