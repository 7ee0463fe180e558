"""What each extractor adds to a similarity, and each cell of its feature maps.

The cosine of embeddings laid end to end is a sum over the extractors that they are of, and so is a
mean of cosines. Where a feature map is there, what its extractor adds is a sum over its cells too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from photofind.learning.explanation.cells import (
    Vectors,
    Weights,
    contributions,
    matches,
    pooled,
    relative_cells,
)
from photofind.learning.explanation.mapping import Maps
from photofind.learning.explanation.regions import named_cells, regions
from photofind.library.store import Store
from photofind.model import CellWeights, ExplainedPart
from photofind.model.records import Space
from photofind.ranking.projection import Vectors32

__all__ = ["Block", "blocks", "parts"]


@dataclass(frozen=True, eq=False)
class Block:
    """The part of the compared embeddings that is of one extractor.

    Parameters
    ----------
    space
        Of the extractor.
    query, hit
        Its embeddings as they are compared, relative to the centre, float64 (D,) each.
    scale, centre
        The length that they had, and what was taken from them, (D,).
    weight
        What its cosine is multiplied by; None where all are compared as one embedding.
    maps
        Its feature maps.
    """

    space: Space
    query: Vectors
    hit: Vectors
    scale: float
    centre: Vectors32
    weight: float | None
    maps: Maps

    @property
    def product(self) -> float:
        """The scalar product of the two."""
        return float(self.query @ self.hit)

    @property
    def lengths(self) -> float:
        """The product of the lengths of the two."""
        return max(float(np.linalg.norm(self.query) * np.linalg.norm(self.hit)), 1e-12)


def blocks(
    store: Store,
    together: Space | None,
    shares: Mapping[Space, float],
    embeddings: Mapping[Space, tuple[Vectors32, Vectors32]],
    maps: Mapping[Space, Maps],
) -> list[Block]:
    """Return the part of each extractor in what is compared.

    Parameters
    ----------
    together
        The space in which their embeddings are laid end to end; None where each is compared alone.
    shares
        How much each counts, in the order in which they are laid end to end; all together 1.
    embeddings
        Those of the query and of the hit, at unit length, (D,) each.
    maps
        The feature maps of each.
    """
    index = store.index(together.id) if together else None
    start, found = 0, []
    for space, share in shares.items():
        scale = 1.0 if together is None else share**0.5
        if together is None:
            centre = _centre(store, space, space.dimension)
        else:
            mean = index.projection.mean if index else np.zeros(together.dimension, np.float32)
            centre = mean[start : start + space.dimension]
            start += space.dimension
        pair: Sequence[Vectors | Vectors32] = embeddings[space]
        if maps[space].is_exact:  # Stored embeddings have 16 bits a number.
            pair = [pooled(one) for one in maps[space].pair]
        query, hit = (scale * np.asarray(one, np.float64) - centre for one in pair)
        weight = share if together is None else None
        found.append(Block(space, query, hit, scale, centre, weight, maps[space]))
    return found


def parts(
    store: Store, found: Sequence[Block], scores: Mapping[Space, float]
) -> tuple[tuple[ExplainedPart, ...], float]:
    """Return what each extractor adds, the most first, and the similarity that they add up to."""
    queries = sum(float(block.query @ block.query) for block in found)
    hits = sum(float(block.hit @ block.hit) for block in found)
    together = max((queries * hits) ** 0.5, 1e-12)
    # What each scalar product is divided by.
    divisors = [
        together if block.weight is None else block.lengths / block.weight for block in found
    ]
    added = [block.product / divisor for block, divisor in zip(found, divisors, strict=True)]
    total = sum(added)
    explained = [
        _part(store, block, divisor, one, one / total if total else 0.0, scores[block.space])
        for block, divisor, one in zip(found, divisors, added, strict=True)
    ]
    return tuple(sorted(explained, key=lambda part: -part.contribution)), total


def _part(
    store: Store, block: Block, divisor: float, added: float, share: float, score: float
) -> ExplainedPart:
    space, maps = block.space, block.maps
    part = ExplainedPart(
        space.extractor,
        space.id,
        block.product / block.lengths,
        added,
        share,
        round(score, 4),
        note=maps.note,
    )
    if not maps.pair:
        return part
    if maps.is_exact:
        first, second = (relative_cells(one, block.centre, block.scale) for one in maps.pair)
    else:
        centre = _centre(store, maps.space, maps.pair[0].shape[-1])
        first, second = (relative_cells(one, centre) for one in maps.pair)
        means = [one.mean(axis=(0, 1)) for one in (first, second)]
        divisor = float(np.prod([np.linalg.norm(one) for one in means]))
    of_query, of_hit = contributions(first, second, divisor)
    cosines = np.round(matches(first, second), 3)
    return replace(
        part,
        regions_of=maps.space.extractor,
        is_exact=maps.is_exact,
        query=_cells(of_query),
        hit=_cells(of_hit),
        matches=tuple(tuple(row) for row in cosines.tolist()),
    )


def _centre(store: Store, space: Space, dimension: int) -> Vectors32:
    """Return what is taken from embeddings of a space before they are compared, (D,)."""
    index = store.index(space.id)
    if index is None or len(index.projection.mean) != dimension:
        return np.zeros(dimension, np.float32)
    return index.projection.mean


def _cells(weights: Weights) -> CellWeights:
    named = named_cells(weights)
    rows, columns = weights.shape
    total = float(np.clip(weights, 0, None).sum())
    return CellWeights(
        rows,
        columns,
        tuple(weights.ravel().tolist()),
        tuple(np.flatnonzero(named).tolist()),
        float(weights[named].sum()) / total if total > 0 else 0.0,
        regions(weights, named),
    )
