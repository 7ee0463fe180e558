"""The calls of the protocol that are about spaces, embeddings, indexes, and upkeep."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError, LockedError
from photofind.library.store import Array32, IndexInfo, Nearest, Over, SpaceCounts
from photofind.model import Check
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import Space
from photofind_postgres import tallies, upkeep
from photofind_postgres.index_writer import PostgresIndexWriter
from photofind_postgres.library import Library
from photofind_postgres.points import update_points
from photofind_postgres.searching import nearest_embeddings, nearest_points
from photofind_postgres.spaces import Index, StoredSpace, facts_text
from photofind_postgres.vectors import array_of

__all__ = ["SpaceCalls"]

_BATCH = 1024
# The number of the lock of whoever builds a graph; the others are numbers of indexes.
_GRAPH = 0
_BUILDING = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted"
    " AND l.classid::bigint = (hashtext(%s)::bigint & 4294967295) AND l.objid = 0)"
)


class SpaceCalls(Library):
    """See :class:`photofind.library.store.Store`."""

    def spaces(self) -> list[Space]:
        """Return the spaces, oldest first."""
        return [one.space for one in self._spaces.all]

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""

        def find() -> SpaceCounts:
            number = self._spaces.numbers.get(space, 0)
            (row,) = self._sessions.fetch(
                "SELECT sum(photos) FILTER (WHERE spaces @> %s::int[]),"
                " sum(photos) FILTER (WHERE (NOT failed OR refused <> '{}') AND NOT preliminary"
                " AND NOT spaces @> %s::int[] AND NOT refused @> %s::text[]),"
                " sum(photos) FILTER (WHERE refused @> %s::text[]),"
                " (SELECT contents FROM content_tallies WHERE space = %s) FROM tallies",
                [[number], [number], [space], [space], number],
            )
            return SpaceCounts(*(int(count or 0) for count in row))

        return self._once(("space counts", space), find)

    def open_space(self, extractor: str, version: str, dimension: int, build: str = "") -> Space:
        """Return the space of an extractor, made where there is none."""
        space = Space(extractor, version, dimension, build)
        known = next((one.space for one in self._spaces.all if one.space.id == space.id), None)
        if known == space:
            return space
        with self._changing() as change:
            stored = next((one for one in change.spaces.all if one.space.id == space.id), None)
            cursor = change.cursor
            if stored is None:
                cursor.execute(
                    "INSERT INTO spaces (extractor, version, dimension, build)"
                    " VALUES (%s, %s, %s, %s) RETURNING number",
                    [extractor, version, dimension, build],
                )
                row = cursor.fetchone()
                assert row is not None
                cursor.execute(
                    f'CREATE TABLE embeddings_{row[0]} (content text COLLATE "C" PRIMARY KEY,'
                    f" vector halfvec({int(dimension)}) NOT NULL)"
                )
                # Within its row, where a page holds that: what is compared is read as a whole.
                storage = "PLAIN" if dimension <= 3500 else "EXTERNAL"
                cursor.execute(
                    f"ALTER TABLE embeddings_{row[0]} ALTER COLUMN vector SET STORAGE {storage}"
                )
            elif stored.space.dimension != dimension:
                raise LibraryError(
                    f"{space.id} makes embeddings of {dimension} numbers, "
                    f"but made {stored.space.dimension} before",
                    "an extractor needs a new version when its dimension changes",
                )
            else:
                cursor.execute(
                    "UPDATE spaces SET build = %s WHERE number = %s", [build, stored.number]
                )
                photos = change.photos.where("f.refused @> %s::text[]", [space.id])
                change.photos.put_again(
                    photos, (one.photo.without_refusal(space.id) for one in photos)
                )
        return space

    def remove_space(self, space: str) -> None:
        """Remove a space with its embeddings and its index."""
        with self._changing() as change:
            stored = change.spaces.get(space)
            cursor = change.cursor
            photos = change.photos.where(
                "f.spaces @> %s::int[] OR f.refused @> %s::text[]", [stored.number], [space]
            )
            changed = [
                one._replace(
                    photo=one.photo.without_space(space).without_refusal(space),
                    spaces=tuple(number for number in one.spaces if number != stored.number),
                )
                for one in photos
            ]
            change.photos.put(changed)
            tables = [stored.embeddings, *([stored.index.points] if stored.index else [])]
            cursor.execute("INSERT INTO trash SELECT unnest(%s::text[])", [tables])
            cursor.execute("DELETE FROM indexes WHERE space = %s", [stored.number])
            cursor.execute("DELETE FROM spaces WHERE number = %s", [stored.number])
        upkeep.sweep(self._sessions, self._address)

    def embeddings(
        self, space: str, contents: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have an embedding, and the embeddings."""
        stored = self._spaces.get(space)
        return self._looked_up(stored.embeddings, contents, stored.space.dimension)

    def shared_contents(self, space: str) -> list[str]:
        """Return the contents with an embedding that several photos have."""
        rows = self._sessions.fetch(
            "SELECT content FROM photos WHERE spaces @> %s::int[]"
            " GROUP BY content HAVING count(*) > 1",
            [[self._spaces.get(space).number]],
        )
        return [content for (content,) in rows]

    def scan(self, space: str) -> Iterator[tuple[Sequence[str], Array32]]:
        """Yield all contents that photos refer to with their embeddings, in batches."""
        stored = self._spaces.get(space)
        contents: list[str] = []
        raws: list[bytes] = []
        for content, raw in self._sessions.stream(
            f"SELECT p.content, halfvec_send(p.vector) FROM {stored.embeddings} p WHERE EXISTS"
            " (SELECT 1 FROM photos f WHERE f.content = p.content AND f.spaces @> %s::int[])",
            [[stored.number]],
        ):
            contents.append(content)
            raws.append(raw)
            if len(contents) == _BATCH:
                yield contents, array_of(raws, stored.space.dimension)
                contents, raws = [], []
        if contents:
            yield contents, array_of(raws, stored.space.dimension)

    def sample(self, space: str, count: int, *, seed: int = 0) -> tuple[Sequence[str], Array32]:
        """Return some contents with their embeddings, drawn at random."""
        stored = self._spaces.get(space)
        rows = self._sessions.fetch(
            "SELECT DISTINCT content, hashtextextended(content, %s) AS drawn FROM photos"
            " WHERE spaces @> %s::int[] ORDER BY drawn, content LIMIT %s",
            [seed, [stored.number], count],
        )
        contents = [content for content, _ in rows]
        has, vectors = self.embeddings(space, contents)
        return [one for one, known in zip(contents, has, strict=True) if known], vectors[has]

    def nearest(
        self,
        space: str,
        queries: Array32,
        count: int,
        *,
        over: Over = "points",
        where: Filter = EVERYTHING,
        exclude: Collection[str] = (),
        vectors: bool = True,
    ) -> Nearest:
        """Find the nearest contents of queries; see the protocol."""
        fetch = self._sessions.fetch
        if over == "embeddings":
            stored = self._spaces.get(space)
            return nearest_embeddings(
                fetch,
                stored,
                queries,
                count,
                where=self._condition(where),
                exclude=exclude,
                vectors=vectors,
            )
        stored, index = self._spaces.index(space)
        if queries.shape[1] != index.width:
            raise LibraryError("the index was replaced by another one", "search again")
        is_all = where == EVERYTHING
        return nearest_points(
            fetch,
            stored,
            index,
            queries,
            count,
            which="p.is_there" + (" AND NOT p.is_repeat" if over == "pictures" else ""),
            where=None if is_all else self._condition(where),
            passing=index.photos if is_all else self._count(where),
            exclude=exclude,
            vectors=vectors,
        )

    def points(self, space: str, contents: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Array32]:
        """Return which contents have a point, and the points."""
        _, index = self._spaces.index(space)
        return self._looked_up(index.points, contents, index.width, "is_there")

    def neighbours(self, space: str) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """Yield the contents that the index was built on, each with its nearest others."""
        index = self._spaces.get(space).index
        if index is None:
            return
        there = f"FROM {index.points} WHERE is_there AND place >= 0"
        names = dict(self._sessions.stream(f"SELECT place, content {there}"))
        contents: list[str] = []
        others: list[list[str]] = []
        for place, near in self._sessions.stream(f"SELECT place, neighbours {there}"):
            if place in names:
                contents.append(names[place])
                others.append([names[other] for other in near if other in names])
            if len(contents) == _BATCH:
                yield contents, others
                contents, others = [], []
        if contents:
            yield contents, others

    def indexed(self, space: str) -> Iterator[tuple[Sequence[str], npt.NDArray[np.bool_]]]:
        """Yield the contents that the index was built on, and which of them repeat others."""
        index = self._spaces.get(space).index
        if index is None:
            return
        rows = self._sessions.stream(
            f"SELECT content, is_repeat FROM {index.points} WHERE is_there AND place >= 0"
        )
        while batch := [*islice(rows, _BATCH)]:
            yield [row[0] for row in batch], np.array([row[1] for row in batch], np.bool_)

    def _looked_up(
        self, table: str, contents: Sequence[str], width: int, which: str = "true"
    ) -> tuple[npt.NDArray[np.bool_], Array32]:
        asked = [*dict.fromkeys(contents)]
        known: dict[str, bytes] = {}
        for start in range(0, len(asked), _BATCH):
            known |= self._sessions.fetch(
                f"SELECT content, halfvec_send(vector) FROM {table}"
                f" WHERE content = ANY(%s::text[]) AND {which}",
                [asked[start : start + _BATCH]],
            )
        has = np.array([content in known for content in contents], np.bool_)
        vectors = np.zeros((len(contents), width), np.float32)
        if known:
            raws = [known[content] for content in contents if content in known]
            vectors[has] = array_of(raws, width)
        return has, vectors

    # The index of a space.

    def index(self, space: str) -> IndexInfo | None:
        """Return the index that answers for a space."""
        stored = next((one for one in self._spaces.all if one.space.id == space), None)
        index = stored.index if stored is not None else None
        if index is None:
            self._spaces.get(space)
            return None

        def find() -> tuple[int, int]:
            (row,) = self._sessions.fetch(
                "SELECT count(*) FILTER (WHERE place < 0 AND is_there),"
                f" count(*) FILTER (WHERE place >= 0 AND NOT is_there) FROM {index.points}"
            )
            return row[0], row[1]

        fresh, gone = self._once(("index", space), find)
        return IndexInfo(
            index.projection,
            index.ranked,
            index.plain,
            photos=index.photos,
            fresh=fresh,
            gone=gone,
            graph=index.graph,
            ready=index.graph,
            recall=index.recall,
            built=index.built,
            repeats=index.repeats,
        )

    @contextmanager
    def new_index(self, space: str, *, graph: bool) -> Iterator[PostgresIndexWriter]:
        """Return what builds a new index of a space, with a graph or without."""
        stored = self._spaces.get(space)
        with self._sessions.alone() as connection:
            key = self._address.library
            if graph:
                locked = connection.execute(
                    "SELECT pg_try_advisory_lock(hashtext(%s), %s)", [key, _GRAPH]
                ).fetchone()
                if not (locked and locked[0]):
                    raise LockedError(
                        "another process is building a graph", "wait until it is done"
                    )
            row = connection.execute("SELECT nextval('index_numbers')").fetchone()
            assert row is not None
            number = int(row[0])
            # While it is held, the table is nobody else's.
            connection.execute("SELECT pg_advisory_lock(hashtext(%s), %s)", [key, number])
            writer = PostgresIndexWriter(
                connection,
                number,
                stored.number,
                graph=graph,
                publish=lambda index: self._publish(space, stored, index),
            )
            try:
                yield writer
            finally:
                if not writer.is_published:
                    writer.discard()
        if writer.is_published:
            with suppress(LibraryError):  # The next one removes what is left.
                upkeep.sweep(self._sessions, self._address)

    def _publish(self, space: str, built_for: StoredSpace, index: Index) -> None:
        """Make an index that of its space, with what came and went since it was begun."""
        with self._changing() as change:
            stored, cursor = change.spaces.get(space), change.cursor
            if stored.number != built_for.number:
                raise LibraryError(f"{space} was removed meanwhile", "run `photofind index`")
            if stored.index is not None:
                cursor.execute("INSERT INTO trash VALUES (%s)", [stored.index.points])
            cursor.execute("DELETE FROM indexes WHERE space = %s", [stored.number])
            cursor.execute(
                "INSERT INTO indexes (number, space, facts, mean, components)"
                " VALUES (%s, %s, %s, %s, %s)",
                [
                    index.number,
                    stored.number,
                    facts_text(index),
                    index.projection.mean.astype("<f4").tobytes(),
                    index.projection.components.astype("<f4").tobytes(),
                ],
            )
            change.spaces.replace_index(stored, index)
            update_points(cursor, change.spaces, None)

    def is_building(self) -> bool:
        """Return whether a graph is being built, by this process or another."""
        return bool(self._sessions.fetch(_BUILDING, [self._address.library])[0][0])

    def extend_index(self, space: str) -> list[str]:
        """Do nothing: what came since has its points durably."""
        self._spaces.get(space)
        return []

    def remove_index(self, space: str) -> None:
        """Remove the index of a space."""
        with self._changing() as change:
            stored = change.spaces.get(space)
            if stored.index is not None:
                change.cursor.execute("INSERT INTO trash VALUES (%s)", [stored.index.points])
                change.cursor.execute("DELETE FROM indexes WHERE space = %s", [stored.number])
        upkeep.sweep(self._sessions, self._address)

    # Upkeep.

    def verify(self, *, changed_only: bool = False) -> int:
        """See that the server answers; it verifies its pages itself, by their checksums."""
        self._sessions.latest()
        return 0

    def reclaim(self) -> bool:
        """Give back what nothing refers to, where that is much."""
        with self._changing() as change:
            cleaned = [
                stored for stored in change.spaces.all if upkeep.delete_dead(change.cursor, stored)
            ]
            for stored in cleaned:
                if stored.index is not None:
                    change.cursor.execute(
                        f"DELETE FROM {stored.index.points} WHERE NOT is_there AND place < 0"
                    )
            change.cursor.execute(
                "DELETE FROM places p"
                " WHERE NOT EXISTS (SELECT 1 FROM photos f WHERE f.place = p.id)"
            )
        upkeep.sweep(self._sessions, self._address)
        upkeep.rebuild_graphs(self._sessions, self._spaces)
        return bool(cleaned)

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        """Check the server, that each photo has its embeddings, and what is counted along."""
        yield from upkeep.check(self._sessions, self._address, self._spaces)
        wrong = int(self._sessions.fetch(tallies.WRONG)[0][0])
        if not wrong:
            yield Check("counts", "ok", "they are what counting says")
        elif repair:
            with self._changing() as change:
                tallies.count_again(change.cursor)
            yield Check("counts", "repaired", "the photos were counted again")
        else:
            yield Check("counts", "broken", f"{wrong} are wrong", "run `photofind doctor --repair`")
