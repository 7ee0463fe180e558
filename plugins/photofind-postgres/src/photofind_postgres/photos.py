"""Putting photos into the library: which replaces which, and what the photos of a content share."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from photofind.library.store import Array32
from photofind.model.records import Photo, Tags
from photofind_postgres.locations import Locations
from photofind_postgres.rows import ONE, Stored, put_rows, stored_of
from photofind_postgres.sessions import Cursor
from photofind_postgres.spaces import Spaces
from photofind_postgres.vectors import checked, copy_vectors
from photofind_postgres.words import Words

__all__ = ["PhotoWriter"]


class PhotoWriter:
    """Changes photos in one transaction.

    Parameters
    ----------
    cursor
        In the transaction, which is alone.
    locations, words
        Of the store.
    spaces
        As they are in the transaction.
    """

    def __init__(self, cursor: Cursor, locations: Locations, words: Words, spaces: Spaces) -> None:
        self._cursor = cursor
        self._locations = locations
        self._words = words
        self._spaces = spaces

    def commit(
        self, photos: Sequence[Photo], space: str, embeddings: Mapping[str, Array32]
    ) -> tuple[list[Photo], set[str]]:
        """Put photos with embeddings; return them, and the contents that are concerned."""
        kept, gone, replaced = self._place(photos)
        contents = [photo.content for photo in kept if photo.content and photo.failure is None]
        there: dict[str, list[Stored]] = defaultdict(list)
        for one in self._where(
            "f.content = ANY(%s::text[])", [*dict.fromkeys([*contents, *embeddings])]
        ):
            there[one.photo.content].append(one)
        contents += [
            content
            for content in embeddings
            if any(one.photo.failure is None for one in there[content])
        ]
        contents = [*dict.fromkeys(contents)]
        held = self._held(contents)
        new = self._put_embeddings(contents, held, space, embeddings)
        tags: dict[str, dict[str, Tags]] = defaultdict(dict)
        for photo in [*(one.photo for c in contents for one in there[c]), *kept]:
            if photo.failure is None:
                tags[photo.content].update(photo.tags)
        ids = gone.union(photo.id for photo in kept)
        twins = [one.photo for content in new for one in there[content] if one.photo.id not in ids]
        if gone:
            self._cursor.execute("DELETE FROM photos WHERE id = ANY(%s::bigint[])", [[*gone]])
        said = self._said([photo.content for photo in kept])
        stored = [
            self._completed(
                replace(photo, said=said.get(photo.content, {})), held, tags[photo.content]
            )
            for photo in kept
        ]
        self.put([*stored, *(self._completed(one, held, tags[one.content]) for one in twins)])
        concerned = {one.photo.content for one in replaced}.union(contents) - {""}
        return [one.photo for one in stored], concerned

    def put(self, photos: Sequence[Stored]) -> None:
        """Put photos in the place of those with their ids."""
        words = self._words.number(self._cursor, [one.photo for one in photos])
        put_rows(self._cursor, photos, words, self._locations)

    def put_again(self, photos: Iterable[Stored], changed: Iterable[Photo]) -> None:
        """Put photos as they are now, whose spaces stay as they were."""
        self.put([Stored(now, old.spaces) for old, now in zip(photos, changed, strict=True)])

    def where(self, condition: str, *values: object) -> list[Stored]:
        """Return the photos ``f`` that a condition holds for."""
        return self._where(condition, *values)

    def _where(self, condition: str, *values: object) -> list[Stored]:
        self._cursor.execute(f"{ONE} WHERE {condition} ORDER BY f.id", values)
        return stored_of(self._cursor.fetchall(), self._locations, self._spaces.ids)

    def _place(self, photos: Sequence[Photo]) -> tuple[list[Photo], set[int], list[Stored]]:
        """Return the photos to put, one a path, with ids; the ids displaced; what stood there."""
        batch = {(photo.path, photo.away): photo for photo in photos}
        named = {photo.id for photo in photos if photo.id}
        there = {
            one.photo.path: one for one in self._at({path for path, away in batch if away is None})
        }
        kept = []
        for (path, away), photo in batch.items():
            # What is there may itself be moved elsewhere by this batch.
            displaced = there[path].photo.id if away is None and path in there else 0
            kept.append(replace(photo, id=photo.id or (0 if displaced in named else displaced)))
        self._number(kept, named)
        gone = named.union(one.photo.id for one in there.values())
        gone.difference_update(photo.id for photo in kept)
        known = self._where("f.id = ANY(%s::bigint[])", [*named]) if named else []
        return kept, gone, [*there.values(), *known]

    def _at(self, paths: Collection[str]) -> list[Stored]:
        origins, folders, names = [], [], []
        for path in paths:
            location = self._locations.location(path)
            origins.append(location.origin)
            folders.append(location.folder)
            names.append(location.name)
        return self._where(
            "NOT f.away AND (f.place, f.name) IN (SELECT p.id, g.name FROM"
            " unnest(%s::text[], %s::bytea[], %s::bytea[]) AS g (origin, path, name)"
            " JOIN places p ON p.origin = g.origin AND sha256(p.path) = sha256(g.path))",
            origins,
            folders,
            names,
        )

    def _number(self, photos: list[Photo], named: Collection[int]) -> None:
        """Give ids to the photos that have none, never one that is named."""
        if named:  # They may come from another library.
            self._cursor.execute(
                "SELECT setval('ids', %s) FROM ids WHERE last_value < %s OR NOT is_called",
                [max(named)] * 2,
            )
        new = [place for place, photo in enumerate(photos) if not photo.id]
        self._cursor.execute("SELECT nextval('ids') FROM generate_series(1, %s)", [len(new)])
        for place, (number,) in zip(new, self._cursor.fetchall(), strict=True):
            photos[place] = replace(photos[place], id=number)

    def _held(self, contents: Sequence[str]) -> dict[str, dict[int, None]]:
        """Return the numbers of the spaces that hold an embedding of each content, in order."""
        held: dict[str, dict[int, None]] = {content: {} for content in contents}
        for stored in self._spaces.all:
            self._cursor.execute(
                f"SELECT content FROM {stored.embeddings} WHERE content = ANY(%s::text[])",
                [[*contents]],
            )
            for (content,) in self._cursor.fetchall():
                held[content][stored.number] = None
        return held

    def _put_embeddings(
        self,
        contents: Sequence[str],
        held: dict[str, dict[int, None]],
        space: str,
        embeddings: Mapping[str, Array32],
    ) -> list[str]:
        """Put the embeddings that the space has not; return the contents that have one by that."""
        if not embeddings:
            return []
        stored = self._spaces.get(space)
        new = [
            content
            for content in contents
            if content in embeddings and stored.number not in held[content]
        ]
        if new:
            vectors = checked([embeddings[content] for content in new], stored.space)
            rows = [(content,) for content in new]
            copy_vectors(self._cursor, stored.embeddings, [("content", "text")], rows, vectors)
            for content in new:
                held[content] = dict.fromkeys(sorted([*held[content], stored.number]))
        return new

    def _completed(
        self, photo: Photo, held: Mapping[str, Mapping[int, None]], tags: Mapping[str, Tags]
    ) -> Stored:
        """Return a photo with the spaces of its content, and the tags that go with them."""
        if photo.failure is not None:
            return Stored(replace(photo, spaces=(), tags={}), ())
        numbers = tuple(held.get(photo.content, ()))
        spaces = tuple(self._spaces.ids[number] for number in numbers)
        return Stored(
            replace(
                photo,
                spaces=spaces,
                tags={space: tags[space] for space in spaces if tags.get(space)},
                refusals={one: why for one, why in photo.refusals.items() if one not in spaces},
            ),
            numbers,
        )

    def _said(self, contents: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Return what was said of the tags of contents."""
        self._cursor.execute(
            "SELECT content, document FROM tag_judgements WHERE content = ANY(%s::text[])"
            " ORDER BY number",
            [[*{*contents} - {""}]],
        )
        said: dict[str, dict[str, bool]] = {}
        for content, document in self._cursor.fetchall():
            known = json.loads(document)
            said.setdefault(content, {})[known["name"]] = known["is_right"]
        return said

    def say_again(self, contents: Collection[str]) -> None:
        """Give the photos of contents what is said of their tags now."""
        said = self._said(contents)
        photos = self._where("f.content = ANY(%s::text[])", [*contents])
        self.put_again(
            photos, (replace(one.photo, said=said.get(one.photo.content, {})) for one in photos)
        )
