"""A commit while it is made: rows are put, others are looked at, old rows end, all of it counts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from photofind.errors import LibraryError, PhotofindError
from photofind.library.store import Array32
from photofind.model.records import Photo
from photofind_milvus.connection import Row
from photofind_milvus.expressions import digest, joined, one_of
from photofind_milvus.library import KeptSpace, Library, chunks
from photofind_milvus.points import POINTS, Index, Points, plain
from photofind_milvus.revisions import ALIVE, Running
from photofind_milvus.rows import PHOTOS, RECORDS, Kept, Record, ended, photo_row, record_row
from photofind_milvus.vectors import Embeddings

__all__ = ["Change", "Changes", "take_back"]

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

_PAGE = 500
_LISTED = 1000
_TRIES = 20
_RECOVER_SECONDS = 30.0
# An id has the time it was given, in milliseconds since 2024, and 12 bits that tell writers apart.
_EPOCH = 1_704_067_200_000
_LOW_BITS = 12


class _ConflictError(Exception):
    """Another commit changes the same."""

    def __init__(self, others: Collection[int]) -> None:
        super().__init__("another commit changes the same")
        self.others = others


class Changes:
    """Makes the commits of one store, one at a time; other stores make theirs meanwhile.

    Parameters
    ----------
    library
        What is changed.
    points, embeddings
        Those of the library.
    """

    def __init__(self, library: Library, points: Points, embeddings: Embeddings) -> None:
        self._library = library
        self._points = points
        self._embeddings = embeddings
        self._writing = threading.RLock()
        self._last_id = 0
        self._recovered = time.monotonic()
        self._is_left = False

    def make(self, work: Callable[[Change], _Value]) -> _Value:
        """Make one commit, and return what ``work`` did; it is called again where others interfere.

        Raises
        ------
        LibraryError
            The server refuses or does not answer; nothing of it counts.
        """
        revisions = self._library.revisions
        with self._writing:
            self._recover()
            for _ in range(_TRIES):
                change = Change(self._library, self._points, self._embeddings, self._last_id)
                try:
                    done = work(change)
                    change.finish()
                except _ConflictError as conflict:
                    self._give_up(change)
                    revisions.wait_for_others(conflict.others)
                    revisions.refresh()
                    continue
                except BaseException:
                    self._give_up(change)
                    raise
                finally:
                    self._last_id = change.last_id
                return done
            raise LibraryError("others change the same photos all the time", "try the same again")

    def _give_up(self, change: Change) -> None:
        """Take back what a change has written; where that cannot be done now, do it later."""
        if change.running is None:
            return
        try:
            self._library.revisions.give_up(change.running)
        except PhotofindError as error:
            log.warning("a commit that failed is taken back later: %s", error)
            self._is_left = True

    def _recover(self) -> None:
        now = time.monotonic()
        if self._is_left or now - self._recovered > _RECOVER_SECONDS:
            self._library.revisions.recover()
            self._recovered, self._is_left = now, False


class Change:
    """One commit: what it puts, and what it ends.

    Parameters
    ----------
    library, points, embeddings
        What is changed.
    last_id
        The last id that this process gave.
    """

    def __init__(
        self, library: Library, points: Points, embeddings: Embeddings, last_id: int
    ) -> None:
        self._library = library
        self._points = points
        self._embeddings = embeddings
        # What it changes was looked at from then on, whatever is seen later.
        self._state = library.state
        self.last_id = last_id
        self.running: Running | None = None
        self._photos: list[Row] = []
        self._records: list[Row] = []
        self._words: dict[int, str] = {}
        self._made: dict[str, dict[str, Array32]] = {}
        self._ended: dict[int, Kept] = {}
        self._firsts: set[str] = set()
        self._known: dict[str, list[Kept]] = {}
        self._ended_records: dict[int, None] = {}
        self._places: set[int] = set()
        self._contents: set[str] = set()
        self._record_places: set[int] = set()
        self._ids: set[int] = set()
        self._new_ids: set[int] = set()

    @property
    def begun(self) -> Running:
        """The commit, begun where it was not."""
        if self.running is None:
            self.running = self._library.revisions.begin()
        return self.running

    def new_id(self) -> int:
        """Return an id that is higher than those before, below 2 to the power of 53."""
        running = self.begun
        low = digest("id", running.number) % (1 << _LOW_BITS)
        now = (running.revision >> 18) - _EPOCH
        self.last_id = (max(now, (self.last_id >> _LOW_BITS) + 1) << _LOW_BITS) | low
        self._new_ids.add(self.last_id)
        return self.last_id

    # What is changed.

    def know(self, contents: Mapping[str, list[Kept]]) -> None:
        """Take in which photos some contents have, so that they need not be looked up again."""
        self._known.update(contents)

    def put(self, photo: Photo) -> None:
        """Put a photo as it is, complete."""
        words = self._library.vocabulary.carried_by(photo)
        self._words.update(words)
        row = photo_row(photo, self._library.naming, words, self.begun)
        self._photos.append(row)
        self._places.add(row["place"])
        if photo.content:
            self._contents.add(photo.content)
        self._ids.add(photo.id)
        if len(self._photos) >= _PAGE:
            self._flush_photos()

    def end(self, kept: Iterable[Kept]) -> None:
        """End photos, by their rows."""
        for one in kept:
            self._ended[one.key] = one

    def replace(self, old: Kept, new: Photo) -> None:
        """Put a photo in place of what it was."""
        self.end([old])
        self.put(new)

    def embed(self, space: KeptSpace, embeddings: Mapping[str, Array32]) -> None:
        """Put embeddings, before the photos that refer to them."""
        self._embeddings.put(space, embeddings, self.begun.revision)
        self._made.setdefault(space.space.id, {}).update(embeddings)

    def put_record(self, record: Record) -> None:
        """Put a record, in place of the one of its kind and name where the caller ends that."""
        row = record_row(record, self.begun)
        self._records.append(row)
        self._record_places.add(row["place"])
        self.begun.kinds.add(record.kind)

    def end_records(self, records: Iterable[Record]) -> None:
        """End records."""
        for record in records:
            self._ended_records[record.key] = None
            self.begun.kinds.add(record.kind)

    # How it becomes a commit.

    def flush(self) -> None:
        """Write what is to be put; it does not count yet."""
        self._flush_photos()
        if self._records:
            self._library.connection.upsert(RECORDS, self._records)
            self._records = []

    def finish(self) -> None:
        """Write the rest, look at what others do, and make all of it count.

        Raises
        ------
        LibraryError
            The server refuses.
        """
        is_empty = not (self._photos or self._records or self._ended or self._ended_records)
        if self.running is None and is_empty:
            return
        self._name_firsts()
        self.flush()
        revisions = self._library.revisions
        others = revisions.others(self.begun, self._state)
        if others or self._state.running:
            self._look_for_conflicts()
        self._end_rows()
        revisions.publish(self.begun, others)

    def _flush_photos(self) -> None:
        rows, self._photos = self._photos, []
        if not rows:
            return
        self._library.revisions.beat(self.begun)
        self._library.vocabulary.add(self._words, self.begun)
        self._words = {}
        self._mark_copies(rows)
        # Points first: nothing refers to a photo before it is there.
        for space, index in self._points.indexes().items():
            mark = digest(space)
            embedded = [row for row in rows if mark in row["spaces"]]
            self._put_points(space, index, embedded)
        self._library.connection.upsert(PHOTOS, rows)

    def _mark_copies(self, rows: list[Row]) -> None:
        """Say of rows whether another one is the first of their content."""
        embedded = [row for row in rows if row["spaces"]]
        contents = {row["content"] for row in embedded} - self._firsts
        for some in chunks(sorted(contents), _LISTED):
            self._firsts.update(one.photo.content for one in self._others(some) if not one.is_copy)
        for row in embedded:
            row["is_copy"] = row["content"] in self._firsts
            self._firsts.add(row["content"])

    def _name_firsts(self) -> None:
        """Put another photo first where the first one of its content ends."""
        going = {
            one.photo.content
            for one in self._ended.values()
            if not one.is_copy and one.photo.spaces
        }
        going -= self._firsts | {row["content"] for row in self._photos if row["spaces"]}
        for some in chunks(sorted(going), _LISTED):
            left: dict[str, Kept] = {}
            for one in sorted(self._others(some), key=lambda one: one.photo.id):
                left.setdefault(one.photo.content, one)
            for one in left.values():
                self.replace(one, one.photo)

    def _others(self, contents: Iterable[str]) -> list[Kept]:
        """Return the embedded photos of contents that this commit does not end."""
        wanted = list(contents)
        found = {one: self._known[one] for one in wanted if one in self._known}
        found |= self._library.by_contents(one for one in wanted if one not in found)
        return [
            one
            for several in found.values()
            for one in several
            if one.photo.spaces and one.key not in self._ended
        ]

    def _put_points(self, space: str, index: Index, rows: list[Row]) -> None:
        contents = dict.fromkeys(row["content"] for row in rows)
        if not contents:
            return
        made = self._made.get(space, {})
        embeddings = {one: made[one] for one in contents if one in made}
        if old := [one for one in contents if one not in made]:
            has, vectors = self._embeddings.get(self._library.space(space), old)
            embeddings |= {
                one: vector for one, there, vector in zip(old, has, vectors, strict=True) if there
            }
        points = self._points.points_of(index, embeddings)
        self._points.put(
            index.part,
            [points[row["content"]].row(row) for row in rows if row["content"] in points],
        )

    def _look_for_conflicts(self) -> None:
        state, number = self._state, self.begun.number
        connection = self._library.connection
        theirs = f"born_by != {number}"
        found: set[int] = set()
        wheres = [
            (PHOTOS, joined(theirs, state.later, one_of(field, some)))
            for field, values in (("place", self._places), ("id", self._ids - self._new_ids))
            for some in chunks(sorted(values), _LISTED)
        ]
        # What photos of a content have in common: where its embeddings are, and which is first.
        wheres += [
            (PHOTOS, joined(theirs, state.later, one_of("content", some)))
            for some in chunks(sorted(self._contents), _LISTED)
        ]
        # An id that another commit gave at the same time, to another photo.
        wheres += [
            (PHOTOS, joined(theirs, one_of("id", some)))
            for some in chunks(sorted(self._new_ids), _LISTED)
        ]
        wheres += [
            (RECORDS, joined(theirs, state.later, one_of("place", some)))
            for some in chunks(sorted(self._record_places), _LISTED)
        ]
        if self._ended or self._places:  # Their points have to go into the index that will count.
            wheres.append((RECORDS, joined(theirs, state.later, 'kind in ["index", "space"]')))
        for table, where in wheres:
            rows = connection.query(table, where, ["born_by"], mark=connection.written)
            found.update(int(row["born_by"]) for row in rows)
        if found:
            raise _ConflictError(found)

    def _end_rows(self) -> None:
        connection, running = self._library.connection, self.begun
        parts = [index.part for index in self._points.indexes().values()] if self._ended else []
        for some in chunks(self._ended, _PAGE):
            self._library.revisions.beat(running)
            for part in parts:
                self._points.end(part, some, running)
            rows = connection.query(PHOTOS, one_of("key", some), ["*"])
            connection.upsert(PHOTOS, [ended(plain(row), running) for row in rows])
        for some in chunks(self._ended_records, _PAGE):
            rows = connection.query(RECORDS, one_of("key", some), ["*"])
            connection.upsert(RECORDS, [ended(row, running) for row in rows])


def take_back(library: Library, number: int) -> None:
    """Take back all that a commit has written; embeddings stay, for nothing refers to them."""
    connection = library.connection
    places = [(PHOTOS, ""), (RECORDS, "")]
    places += [(POINTS, part) for part in sorted(connection.look_for_parts(POINTS))]
    for table, part in places:
        for page in connection.pages(table, f"died_by == {number}", ["*"], part=part):
            alive = {"died": ALIVE, "died_by": 0}
            connection.upsert(table, [plain(row) | alive for row in page], part)
        # Looking costs less than deleting nothing.
        if connection.query(table, f"born_by == {number}", ["key"], part=part, limit=1):
            connection.delete(table, f"born_by == {number}", part)
