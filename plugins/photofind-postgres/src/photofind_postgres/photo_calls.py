"""The calls of the protocol that are about photos, folders, and what people said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from photofind.errors import LibraryError
from photofind.library.store import Array32, Counts, Place
from photofind.model import TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Judgement, TagJudgement
from photofind.model.records import Folder, Pair, Photo
from photofind_postgres import folders, judged
from photofind_postgres.library import Library
from photofind_postgres.points import fresh_points, update_points
from photofind_postgres.rows import COLUMNS, FROM, ONE, photo_of
from photofind_postgres.vectors import checked

__all__ = ["PhotoCalls"]

_NO_EMBEDDINGS: Mapping[str, Array32] = {}
_BATCH = 1024
_FEW = 2000


class PhotoCalls(Library):
    """See :class:`photofind.library.store.Store`."""

    def commit(
        self,
        photos: Iterable[Photo],
        space: str = "",
        embeddings: Mapping[str, Array32] = _NO_EMBEDDINGS,
    ) -> list[Photo]:
        """Put photos into the library, with embeddings by content; see the protocol."""
        photos = [*photos]
        if not photos and not embeddings:
            return []
        index, prepared = self._prepared(space, embeddings)
        with self._changing() as change:
            kept, contents = change.photos.commit(photos, space, embeddings)
            current = {one.index.number for one in change.spaces.all if one.index is not None}
            update_points(
                change.cursor,
                change.spaces,
                contents,
                space,
                prepared if index in current else {},
            )
            return kept

    def _prepared(
        self, space: str, embeddings: Mapping[str, Array32]
    ) -> tuple[int, dict[str, Array32]]:
        """Return the points of new embeddings, found before others have to wait for this."""
        stored = next((one for one in self._spaces.all if one.space.id == space), None)
        if stored is None or stored.index is None or not embeddings:
            return 0, {}
        contents = [*embeddings]
        rows = self._sessions.fetch(
            f"SELECT content FROM {stored.index.points} WHERE content = ANY(%s::text[])", [contents]
        )
        new = [*{*contents} - {content for (content,) in rows}]
        if not new:
            return 0, {}
        vectors = checked([embeddings[content] for content in new], stored.space)
        points = fresh_points(self._sessions.fetch, stored, stored.index, vectors)
        return stored.index.number, dict(zip(new, points, strict=True))

    def remove(self, photos: Iterable[Photo]) -> None:
        """Remove photos; their embeddings stay until :meth:`reclaim`."""
        ids = [photo.id for photo in photos]
        if not ids:
            return
        with self._changing() as change:
            change.cursor.execute(
                "DELETE FROM photos WHERE id = ANY(%s::bigint[]) RETURNING content", [ids]
            )
            self._touch(change, {content for (content,) in change.cursor.fetchall()} - {""})

    def by_id(self, ids: Iterable[int]) -> dict[int, Photo]:
        """Return the photos with these ids."""
        asked = [*dict.fromkeys(ids)]
        found = {one.id: one for one in self._where("f.id = ANY(%s::bigint[])", asked)}
        return {one: found[one] for one in asked if one in found}

    def by_path(self, paths: Iterable[str]) -> dict[str, Photo]:
        """Return the photos at these paths."""
        asked = [*dict.fromkeys(paths)]
        found: dict[str, Photo] = {}
        for start in range(0, len(asked), _BATCH):
            places = [self._locations.location(path) for path in asked[start : start + _BATCH]]
            photos = self._where(
                "NOT f.away AND (f.place, f.name) IN (SELECT p.id, g.name FROM"
                " unnest(%s::text[], %s::bytea[], %s::bytea[]) AS g (origin, path, name)"
                " JOIN places p ON p.origin = g.origin AND sha256(p.path) = sha256(g.path))",
                [place.origin for place in places],
                [place.folder for place in places],
                [place.name for place in places],
            )
            found |= {photo.path: photo for photo in photos}
        return {path: found[path] for path in asked if path in found}

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Photo]]:
        """Return the photos with these contents, oldest first."""
        asked = [*dict.fromkeys(content for content in contents if content)]
        found: dict[str, list[Photo]] = {}
        for start in range(0, len(asked), _BATCH):
            for photo in self._where("f.content = ANY(%s::text[])", asked[start : start + _BATCH]):
                found.setdefault(photo.content, []).append(photo)
        return {content: found[content] for content in asked if content in found}

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        asked = [*dict.fromkeys(content for content in contents if content)]
        # As JSON the server would refuse a document for a NUL or a lone surrogate anywhere in it.
        rows = self._sessions.fetch(
            """SELECT content, substring(document FROM '"fingerprint":"([^"]*)"') FROM photos"""
            " WHERE content = ANY(%s::text[]) ORDER BY id",
            [asked],
        )
        return {content: fingerprint for content, fingerprint in rows if fingerprint}

    def select(
        self,
        where: Filter = EVERYTHING,
        *,
        newest_first: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> Iterator[Photo]:
        """Iterate over the photos that a filter lets pass."""
        part, values = self._condition(where)
        order = " ORDER BY f.moment DESC, f.id DESC" if newest_first else ""
        query = f"{ONE} WHERE {part}{order}"
        if offset:
            query += f" OFFSET {int(offset)}"
        if limit is not None:
            query += f" LIMIT {int(limit)}"
        spaces = self._spaces.ids
        if limit is not None and limit <= _FEW:
            rows: Iterable[tuple[Any, ...]] = self._sessions.fetch(query, values)
        else:
            rows = self._sessions.stream(query, values)
        return (photo_of(row, self._locations, spaces) for row in rows)

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass."""
        return self._count(where)

    def counts(self) -> Counts:
        """Return how many photos there are."""

        def find() -> Counts:
            (row,) = self._sessions.fetch(
                "SELECT sum(photos), sum(photos) FILTER (WHERE failed),"
                " sum(photos) FILTER (WHERE preliminary), sum(photos) FILTER (WHERE unmarked),"
                " sum(photos) FILTER (WHERE noted AND NOT failed) FROM tallies"
            )
            return Counts(*(int(count or 0) for count in row))

        return self._once("counts", find)

    def places(self) -> list[Place]:
        """Return where and when the photos were taken that did not fail."""

        def find() -> list[Place]:
            rows = self._sessions.fetch(
                "SELECT p.origin, p.path, g.month, g.photos FROM (SELECT place,"
                " left(moment, 7) AS month, count(*) AS photos FROM photos WHERE NOT failed"
                " GROUP BY 1, 2) g JOIN places p ON p.id = g.place"
            )
            path = self._locations.path
            return [Place(path(origin, raw), month, n) for origin, raw, month, n in rows]

        return [*self._once("places", find)]

    def tags(self) -> list[TagCount]:
        """Return the tags and keywords of photos that did not fail."""
        return [*self._once("tags", lambda: self._words.counts(self._sessions.fetch))]

    def clear_refusals(self, *, space: str | None = None, folder: str | None = None) -> None:
        """Have photos tried again that an extractor refused."""
        part, values = self._condition(Filter(folder=folder, refused=True))
        if space is not None:
            part, values = f"f.refused @> %s::text[] AND {part}", [[space], *values]
        with self._changing() as change:
            photos = change.photos.where(part, *values)
            change.photos.put_again(photos, (one.photo.without_refusal(space) for one in photos))

    def _where(self, part: str, *values: Sequence[object]) -> list[Photo]:
        spaces = self._spaces.ids
        rows = self._sessions.fetch(
            f"SELECT {COLUMNS} FROM {FROM} WHERE {part} ORDER BY f.id", [[*one] for one in values]
        )
        return [photo_of(row, self._locations, spaces) for row in rows]

    # Folders.

    _last_folders: list[Folder] | None = None

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first; each of others' has their ``host``.

        While the server is away they are as they were last: who watches them goes on.
        """

        def find() -> list[Folder]:
            rows = self._sessions.fetch(folders.FOLDERS)
            return folders.folders_of(rows, self._locations, self._watcher)

        try:
            self._last_folders = self._once("folders", find)
        except LibraryError:
            if self._last_folders is None:
                raise
        return [*self._last_folders]

    def put_folder(self, folder: Folder) -> Folder:
        """Add a folder of one's own, or replace the one with its path; leave those of others."""
        if folder.host:
            return folder
        with self._changing() as change:
            return folders.put_folder(change.cursor, folder, self._locations, self._watcher)

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``."""
        with self._changing() as change:
            folders.remove_folder(change.cursor, path, self._locations, self._watcher)

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that do not show the same."""

        def find() -> frozenset[Pair]:
            return frozenset(
                (lesser, other)
                for lesser, other in self._sessions.fetch("SELECT lesser, other FROM told_apart")
            )

        return self._once("told apart", find)

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Remember pairs of contents."""
        with self._changing() as change:
            change.cursor.executemany(
                "INSERT INTO told_apart VALUES (%s, %s) ON CONFLICT DO NOTHING", [*pairs]
            )

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Forget pairs of contents, where they are known."""
        with self._changing() as change:
            change.cursor.executemany(
                "DELETE FROM told_apart WHERE lesser = %s AND other = %s", [*pairs]
            )

    # What a person said of hits, and of tags.

    def judgements(self) -> list[Judgement]:
        """Return what was said of photos that queries found, oldest first."""

        def find() -> list[Judgement]:
            rows = self._sessions.fetch("SELECT document FROM judgements ORDER BY number")
            return [judged.judgement_of(document) for (document,) in rows]

        return [*self._once("judgements", find)]

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Remember judgements; one of the same photo for the same query is replaced."""
        with self._changing() as change:
            judged.put_judgements(change.cursor, judgements)

    def forget_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Forget the judgements of the same photos for the same queries."""
        with self._changing() as change:
            judged.forget(change.cursor, "judgements", [*judgements])

    def tag_judgements(self) -> list[TagJudgement]:
        """Return what was said of the tags of photos, oldest first."""
        rows = self._sessions.fetch("SELECT document FROM tag_judgements ORDER BY number")
        return [judged.tag_judgement_of(document) for (document,) in rows]

    def judge_tags(self, judgements: Iterable[TagJudgement]) -> None:
        """Remember what is said of tags; what was said of the same tag is replaced."""
        judgements = [*judgements]
        with self._changing() as change:
            judged.put_tag_judgements(change.cursor, judgements)
            change.photos.say_again({one.content for one in judgements})

    def forget_tag_judgements(self, judgements: Iterable[TagJudgement]) -> None:
        """Forget what was said of the same tags of the same photos."""
        judgements = [*judgements]
        with self._changing() as change:
            judged.forget(change.cursor, "tag_judgements", judgements)
            change.photos.say_again({one.content for one in judgements})
