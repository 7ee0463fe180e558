"""What the words of a query add to the score of a hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from photofind.model import ExplainedWords, Explanation, WrittenMatch
from photofind.model.records import Photo, Space
from photofind.search.words import Words

__all__ = ["with_words"]


def with_words(
    explanation: Explanation,
    comparing: Words,
    weights: Mapping[Space, float],
    words: str,
    weight: float,
    hit: Photo,
) -> Explanation:
    """Return an explanation of a hit with what words add to it.

    Parameters
    ----------
    explanation
        By the photo of the query alone.
    comparing
        Compares photos with words.
    weights
        The spaces that answer, and how much each counts.
    words, weight
        The words, and how much they count beside the photo, 0 to 1.
    hit
        The photo that is explained.

    Raises
    ------
    CannotEmbed, ExtractorError, WorkerError
        An extractor that embeds texts does not work.
    """
    by_words = comparing.compare(weights, words)
    fits = by_words.scores([hit.content]).get(hit.content)
    parts = ((name, round(score, 4)) for name, score in by_words.parts(hit.content).items())
    matches = (
        WrittenMatch(one.term, one.field, one.text, round(one.certainty, 4))
        for one in comparing.matches(words, hit)
    )
    by_photo = explanation.score
    # What nothing compares with the words has the score of the photo alone.
    score = by_photo if fits is None else (1 - weight) * by_photo + weight * fits
    return replace(
        explanation,
        score=round(score, 4),
        words=ExplainedWords(
            words, round(fits or 0.0, 4), by_photo, weight, tuple(parts), tuple(matches)
        ),
        notes=(*explanation.notes, *by_words.notes),
    )
