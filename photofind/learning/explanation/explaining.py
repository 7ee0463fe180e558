"""Why a photo is a hit: everything that is known of it, put together.

What is explained by regions is the similarity of the two photos by themselves: the cosine of their
embeddings relative to the library's mean. What the neighbours of the query add to the similarity
that photos are ranked by is explained by photos. The score is both on the library's scale, which is
not a sum of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from photofind.errors import ImageError, LibraryError, PhotofindError, WorkerError
from photofind.errors import WorkerStoppedError as Stopped
from photofind.learning.explanation.facts import facts
from photofind.learning.explanation.mapping import maps_of
from photofind.learning.explanation.parts import blocks, parts
from photofind.learning.explanation.resembling import smoothed
from photofind.learning.explanation.sentence import in_words
from photofind.library.store import Store
from photofind.model import ExplainedPhoto, Explanation
from photofind.model.fused import fused_parts
from photofind.model.records import Photo, Space
from photofind.ranking.projection import normalised
from photofind.search.comparison import Comparison, compare
from photofind.search.embedding import CannotEmbed, Embedded, embed_query
from photofind.search.fusing import fuse_queries
from photofind.search.spaces import complete_fused_space, indexes_built
from photofind.search.verdicts import Verdicts
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["explain"]


def explain(
    store: Store,
    weights: Mapping[Space, float],
    query: int | str,
    hit: Photo,
    *,
    extraction: Callable[[str], Extraction],
    reach: Reach,
    verdicts: Verdicts | None = None,
    retired: Callable[[str], Sequence[Extraction]] = lambda extractor: (),
    completed: Callable[[Explanation], Explanation] = lambda explanation: explanation,
) -> Explanation:
    """Explain why a photo of the library is a hit of a query.

    Parameters
    ----------
    weights
        The spaces that answer, and how much each counts.
    query
        The absolute path of a photo, in the library or not, or the id of one in it.
    hit
        The photo.
    extraction, reach, retired
        As for :func:`~photofind.search.embedding.embed_query`.
    verdicts
        What comparing pixels found before.
    completed
        Adds what else counts for the hit, before it is said in words.

    Raises
    ------
    ImageError
        The query cannot be read.
    LibraryError
        The hit is not embedded yet.
    ExtractorError
        No extractor that is to answer works.
    """
    while True:
        indexes = indexes_built(store, weights)
        try:
            embedded, notes = _embed(store, weights, query, extraction, reach, retired)
            explanation = _explain(store, weights, embedded, query, hit, extraction, verdicts)
        except (LibraryError, ValueError):
            if indexes == indexes_built(store, weights):
                raise
        else:
            if indexes == indexes_built(store, weights):
                return in_words(completed(replace(explanation, notes=tuple(notes))))


def _explain(
    store: Store,
    weights: Mapping[Space, float],
    embedded: Mapping[Space, Embedded],
    query: int | str,
    hit: Photo,
    extraction: Callable[[str], Extraction],
    verdicts: Verdicts | None,
) -> Explanation:
    pairs = {
        space: (one.like[0], normalised(vectors[0]))
        for space, one in embedded.items()
        for known, vectors in [store.embeddings(space.id, [hit.content])]
        if known[0]
    }
    if not pairs:
        raise LibraryError(f"{hit.path} is not embedded yet", "run `photofind index`")
    photo = _photo(store, query, embedded, extraction)
    maps = {
        space: maps_of(store, space, (photo, hit), pair, extraction)
        for space, pair in pairs.items()
    }
    together = complete_fused_space(store, {space: weights[space] for space in pairs})
    if together is not None and not store.embeddings(together.id, [hit.content])[0][0]:
        together = None
    total = sum(weights[space] for space in pairs)
    in_order = fused_parts({space: weights[space] / total for space in pairs})
    scores = {
        space: _score(compare(store, space.id, embedded[space]), hit.content) for space in pairs
    }
    if together is None:
        score = sum(share * scores[space] for space, share in in_order.items())
        by_weight = sorted(in_order, key=lambda space: -in_order[space])
        ranked = [(space.id, embedded[space]) for space in by_weight]
    else:
        of_query = fuse_queries([embedded[space] for space in in_order], [*in_order.values()])
        score = _score(compare(store, together.id, of_query), hit.content)
        ranked = [(together.id, of_query)]
    explained, similarity = parts(store, blocks(store, together, in_order, pairs, maps), scores)
    # Where each ranks by itself, the one that counts the most says what both resemble.
    every = (smoothed(store, space, one, hit.content) for space, one in ranked)
    smoothing = next((one for one in every if one is not None), None)
    known = facts(store, photo, hit, verdicts)
    return Explanation(
        ExplainedPhoto(photo.path, photo.id or None),
        ExplainedPhoto(hit.path, hit.id),
        "",
        round(score, 4),
        similarity,
        explained,
        known.same,
        known.tags,
        known.seconds_apart,
        known.metres_apart,
        known.camera,
        smoothing.similarity if smoothing else None,
        smoothing.share if smoothing else 0.0,
        smoothing.resembling if smoothing else (),
    )


def _embed(
    store: Store,
    weights: Mapping[Space, float],
    query: int | str,
    extraction: Callable[[str], Extraction],
    reach: Reach,
    retired: Callable[[str], Sequence[Extraction]],
) -> tuple[dict[Space, Embedded], list[str]]:
    """Return the query in each space, and why it is not in others."""
    embedded: dict[Space, Embedded] = {}
    failed: dict[Space, PhotofindError] = {}
    for space in weights:
        try:
            embedded[space] = embed_query(
                store, space, [query], [], extraction, reach, retired=retired
            )
        except Stopped:
            raise
        except CannotEmbed as failure:
            failed[space] = failure.reason
        except (ImageError, WorkerError) as error:
            failed[space] = error
    if not embedded:
        raise next(iter(failed.values()))
    return embedded, [f"{space.extractor}: {error.message}" for space, error in failed.items()]


def _photo(
    store: Store,
    query: int | str,
    embedded: Mapping[Space, Embedded],
    extraction: Callable[[str], Extraction],
) -> Photo:
    """Return what is known of the photo of the query, read from its file if need be."""
    known = store.by_id([query]) if isinstance(query, int) else store.by_path([query])
    for photo in known.values():
        return photo
    space, one = next(iter(embedded.items()))
    read = extraction(space.extractor).extract([one.path])[0]
    return Photo(
        one.path,
        content=one.content,
        fingerprint=read.fingerprint,
        captured=read.captured,
        camera=read.camera,
        latitude=read.latitude,
        longitude=read.longitude,
        keywords=read.keywords,
        tags={space.id: dict(read.tags)},
    )


def _score(comparison: Comparison, content: str) -> float:
    """Return the score of a content; 0 where it cannot be compared."""
    scores = comparison.compare([content]).scores
    return float(scores[0]) if len(scores) else 0.0
