"""The nearest contents of queries: by the HNSW index of pgvector, or by comparing with all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from photofind.library.store import Array32, Nearest
from photofind_postgres.sessions import Rows
from photofind_postgres.spaces import Index, StoredSpace
from photofind_postgres.vectors import array_of, literal

__all__ = ["Fetch", "by_graph", "nearest_embeddings", "nearest_points"]

# Where a filter leaves no more photos than that, comparing with all of them takes less time, and
# finds all.
GRAPH_PAYS = 20_000
# An iterative scan of the graph ends before it has found more.
MOST_BY_GRAPH = 2000

# A search keeps so many candidates, by the root of how many points there are. Of a million, 250
# find 0.84 of the nearest of a photo from outside, and 1,000, which is pgvector's most, 0.998.
_FEWEST_KEPT, _MOST_KEPT = 250, 1000

Fetch = Callable[..., Rows]
Condition = tuple[str, list[Any]]


def by_graph(points: int) -> dict[str, str]:
    """Return the settings of a query that asks the graph of so many points.

    The planner is kept from comparing with everything.
    """
    kept = min(max(_FEWEST_KEPT, round(points**0.5)), _MOST_KEPT)
    return {"enable_sort": "off", "enable_seqscan": "off", "hnsw.ef_search": str(kept)}


def nearest_points(
    fetch: Fetch,
    stored: StoredSpace,
    index: Index,
    queries: Array32,
    count: int,
    *,
    which: str,
    where: Condition | None,
    passing: int,
    exclude: Collection[str],
    vectors: bool,
) -> Nearest:
    """Find the nearest points of queries (m, d).

    Parameters
    ----------
    which
        A condition on the points ``p``.
    where
        A condition on a photo ``f`` of their contents; None where every photo passes.
    passing
        About how many contents pass.
    """
    kind = f"halfvec({index.width})"
    cosine, distance = "-(p.vector <#> q.vector)", "p.vector <#> q.vector"
    sent = ", halfvec_send(p.vector)" if vectors else ""
    width = index.width if vectors else 0
    literals = [literal(query) for query in queries]
    parts, left_out = _without(which, exclude)
    if index.graph and passing > GRAPH_PAYS and count <= MOST_BY_GRAPH:
        values = [literals, *left_out]
        conditions = [*parts]
        if where is not None:
            # A subquery with a limit is asked for each point that the scan comes to.
            conditions.append(
                "(SELECT true FROM photos f WHERE f.content = p.content"
                f" AND f.spaces @> ARRAY[{stored.number}] AND {where[0]} LIMIT 1)"
            )
            values += where[1]
        query = _lateral(kind, f"{index.points} p", f"{cosine}{sent}", conditions, distance)
        rows = fetch(query, [*values, count], settings=by_graph(index.photos))
        found = _found(rows, queries, count, width, "graph")
        if np.isfinite(found.similarities).all():
            return found
    allowed, values = _allowed(stored, where) if where is not None else ("", [])
    table = f"{index.points} p{' JOIN allowed USING (content)' if allowed else ''}"
    query = allowed + _lateral(kind, table, f"{cosine}{sent}", parts, f"({distance}) + 0")
    rows = fetch(query, [*values, literals, *left_out, count])
    return _found(rows, queries, count, width, "exact")


def nearest_embeddings(
    fetch: Fetch,
    stored: StoredSpace,
    queries: Array32,
    count: int,
    *,
    where: Condition,
    exclude: Collection[str],
    vectors: bool,
) -> Nearest:
    """Find the nearest embeddings of queries (m, D), by comparing with all that pass."""
    kind, distance = f"halfvec({stored.space.dimension})", "p.vector <=> q.vector"
    sent = ", halfvec_send(l2_normalize(p.vector))" if vectors else ""
    parts, left_out = _without("true", exclude)
    allowed, values = _allowed(stored, where)
    table = f"{stored.embeddings} p JOIN allowed USING (content)"
    query = allowed + _lateral(kind, table, f"1 - ({distance}){sent}", parts, f"({distance}) + 0")
    literals = [literal(query) for query in queries]
    rows = fetch(query, [*values, literals, *left_out, count])
    return _found(rows, queries, count, stored.space.dimension if vectors else 0, "plain")


def _lateral(kind: str, table: str, wanted: str, parts: Sequence[str], order: str) -> str:
    """Return a query for the nearest of each of several vectors of a kind.

    An order that adds something is one that no index gives. Without the offset the planner would
    have each vector read anew for each row that it is compared with.
    """
    return (
        f"SELECT q.place, r.* FROM (SELECT u.vector::{kind}, u.place FROM"
        " unnest(%s::text[]) WITH ORDINALITY AS u (vector, place) OFFSET 0) q,"
        f" LATERAL (SELECT p.content, {wanted} FROM {table} WHERE {' AND '.join(parts)}"
        f" ORDER BY {order} LIMIT %s) r"
    )


def _allowed(stored: StoredSpace, where: Condition) -> Condition:
    return (
        "WITH allowed AS MATERIALIZED (SELECT DISTINCT f.content FROM photos f"
        f" WHERE f.spaces @> ARRAY[{stored.number}] AND {where[0]}) ",
        where[1],
    )


def _without(which: str, exclude: Collection[str]) -> tuple[list[str], list[Any]]:
    if not exclude:
        return [which], []
    return [which, "p.content <> ALL(%s::text[])"], [[*exclude]]


def _found(rows: Rows, queries: Array32, count: int, width: int, searched_by: str) -> Nearest:
    """Return rows of (query, content, cosine, vector) as arrays, best first for each query."""
    contents = np.full((len(queries), count), "", object)
    similarities = np.full((len(queries), count), -np.inf, np.float32)
    vectors = np.zeros((len(queries), count, width), np.float32)
    if not rows or not count:
        return Nearest(contents, similarities, vectors, searched_by)
    places = np.array([row[0] for row in rows], np.int64) - 1
    cosines = np.nan_to_num(np.array([row[2] for row in rows], np.float32))  # Of nothing but zeros.
    # A relaxed scan gives them nearly in order.
    order = np.lexsort((-cosines, places))
    places = places[order]
    firsts = np.searchsorted(places, np.arange(len(queries)))
    ranks = np.arange(len(places)) - firsts[places]
    names: Sequence[Any] = [rows[one][1] for one in order.tolist()]
    contents[places, ranks] = names
    similarities[places, ranks] = cosines[order]
    if width:
        vectors[places, ranks] = array_of([rows[one][3] for one in order.tolist()], width)
    return Nearest(contents, similarities, vectors, searched_by)
