"""Ranking by several extractors: in one space of all, or by the scores of each.

The space of all is computed in the background (:mod:`photofind.indexing.deriving`). Until it is
complete, scores are fused. A photo that one extractor has not embedded, or refused, is compared by
the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from photofind.errors import ExtractorError, ImageError, WorkerError, WorkerStoppedError
from photofind.library.store import Store
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.fused import fused_parts
from photofind.model.records import Space
from photofind.ranking.fusion import Opinion, fuse, fuse_embeddings
from photofind.ranking.projection import Vectors32
from photofind.search.comparison import Comparison, Ranked, compare, rank
from photofind.search.embedding import Embedded
from photofind.search.spaces import complete_fused_space

__all__ = ["Fused", "embed_by_each", "rank_by_all", "rank_fused"]


@dataclass(frozen=True, eq=False)
class Fused:
    """An answer of several extractors, or of one.

    Parameters
    ----------
    spaces
        The spaces of the extractors that answered.
    space, embedded
        The id of the space that the answer is in, and the photos of the query in it.
    ranked
        The contents.
    """

    spaces: Sequence[Space]
    space: str
    embedded: Embedded
    ranked: Ranked


def embed_by_each(
    spaces: Sequence[Space], embed: Callable[[Space], Embedded]
) -> dict[Space, Embedded]:
    """Return the photos of a query in the spaces of the extractors that can embed them.

    Raises
    ------
    ImageError, ExtractorError, WorkerError
        None of them can: what the first one says.
    """
    embedded: dict[Space, Embedded] = {}
    failed: list[Exception] = []
    for space in spaces:
        try:
            embedded[space] = embed(space)
        except WorkerStoppedError:
            raise
        except (ImageError, ExtractorError, WorkerError) as error:
            failed.append(error)
    if not embedded:
        raise failed[0]
    return embedded


def rank_by_all(
    store: Store,
    weights: Mapping[Space, float],
    embedded: Mapping[Space, Embedded],
    limit: int,
    where: Filter,
    *,
    plain: bool,
) -> Fused:
    """Rank contents by all extractors that embedded a query.

    Parameters
    ----------
    weights
        How much each space counts.
    embedded
        The photos of the query in each of them, or in some.
    limit
        How many contents are wanted from each space, at the least.
    where
        Only contents of which a photo passes.
    plain
        Compare embeddings by their cosine alone.
    """
    spaces = [*embedded]
    first = spaces[0]
    shares = {space: weights[space] for space in spaces}
    together = complete_fused_space(store, shares)

    def comparisons() -> list[Comparison]:
        return [compare(store, one.id, embedded[one], plain=plain) for one in spaces]

    if together is None:
        compared = comparisons()
        if len(compared) == 1:
            ranked = rank(compared[0], limit, where)
        else:
            ranked = rank_fused(compared, [*shares.values()], limit, where)
        return Fused(spaces, first.id, embedded[first], ranked)
    parts = fused_parts(shares)
    query = _fuse([embedded[space] for space in parts], [*parts.values()])
    comparison = compare(store, together.id, query, plain=plain)
    done = store.space_counts(together.id).contents
    if all(store.space_counts(space.id).contents == done for space in spaces):
        ranked = rank(comparison, limit, where)
    else:
        ranked = rank_fused(comparisons(), [*shares.values()], limit, where, together=comparison)
    return Fused(spaces, together.id, query, ranked)


def rank_fused(
    comparisons: Sequence[Comparison],
    weights: Sequence[float],
    limit: int,
    where: Filter = EVERYTHING,
    *,
    together: Comparison | None = None,
) -> Ranked:
    """Rank the contents of some spaces, each by those that have it.

    The embeddings are those of the space of all, or of the first one; zeros for what it lacks.

    Parameters
    ----------
    limit
        How many contents are wanted from each space, at the least.
    where
        Only contents of which a photo passes.
    together
        Compares in the space of all: what that has is compared there alone.
    """
    every = [together, *comparisons] if together else [*comparisons]
    shares = [1.0, *weights] if together else [*weights]
    contents = [*dict.fromkeys(c for one in every for c in one.candidates(limit, where))]
    left = np.arange(len(contents))
    is_known = np.zeros(len(contents), np.bool_)
    opinions: list[Opinion] = []
    embeddings: Vectors32 | None = None
    for comparison, weight in zip(every, shares, strict=True):
        compared = comparison.compare([contents[place] for place in left])
        places = left[compared.known]
        opinions.append(Opinion(weight, places, compared.scores, compared.similarities))
        is_known[places] = True
        if embeddings is None:
            embeddings = np.zeros((len(contents), compared.embeddings.shape[-1]), np.float32)
            embeddings[places] = compared.embeddings
        if comparison is together:
            left = np.flatnonzero(~is_known)
    assert embeddings is not None
    order, scores = fuse(len(contents), opinions)
    kept = is_known[order]
    return Ranked(
        [contents[place] for place in order[kept]],
        scores[kept],
        embeddings[order[kept]],
        every[0].searched_by,
    )


def _fuse(parts: Sequence[Embedded], weights: Sequence[float]) -> Embedded:
    """Return the photos of a query in the space of all extractors."""

    def fused(of: Callable[[Embedded], Vectors32]) -> Vectors32:
        return fuse_embeddings(*map(of, parts), weights=weights)

    return replace(
        parts[0],
        like=fused(lambda one: one.like),
        unlike=fused(lambda one: one.unlike),
        turned=fused(lambda one: one.turned),
        own=frozenset().union(*(one.own for one in parts)),
        outside=any(one.outside for one in parts),
    )
