"""Why a photo is a hit of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CellWeights",
    "ExplainedPart",
    "ExplainedPhoto",
    "ExplainedWords",
    "Explanation",
    "Region",
    "Resembling",
    "WrittenMatch",
]


@dataclass(frozen=True)
class ExplainedPhoto:
    """One of the two photos.

    Parameters
    ----------
    path
        Where it is.
    id
        Its number in the library; None where it is not in it.
    """

    path: str
    id: int | None = None


@dataclass(frozen=True)
class Region:
    """A part of a photo that carries much of a similarity.

    Parameters
    ----------
    box
        x, y, width and height of what surrounds it, as fractions of the photo's sides as it is
        shown.
    share
        How much it carries of what speaks for the similarity: of the weights above 0.
    where
        Where it lies, in words: "upper left", "middle" and so on.
    """

    box: tuple[float, ...]
    share: float
    where: str


@dataclass(frozen=True)
class CellWeights:
    """What each part of a photo adds to a similarity.

    Parameters
    ----------
    rows, columns
        The photo as it is shown is divided into so many equal cells.
    weights
        What each cell adds, row by row from the upper left; below 0 where it takes away.
    named
        The places in ``weights`` of the quarter of the cells that carries the most.
    share
        How much these carry of what speaks for the similarity: of the weights above 0.
    regions
        The connected parts of these, the one first that carries the most.
    """

    rows: int
    columns: int
    weights: tuple[float, ...]
    named: tuple[int, ...]
    share: float
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class ExplainedPart:
    """What one extractor adds.

    Parameters
    ----------
    extractor, space
        Its name, and the same with its version.
    similarity
        How alike the photos are to it: the cosine of the embeddings relative to the library's mean.
    contribution
        What it adds to the similarity of the explanation; the sum over all parts is that.
    share
        The same as a share of that.
    score
        The score by it alone.
    regions_of
        The extractor whose feature maps the cells are of; None where there are none.
    is_exact
        Whether the weights of the cells add up to the contribution.
    query, hit
        What each cell of the two photos adds; None where regions are not available.
    matches
        How alike each cell of the query (rows) is to each of the hit (columns), as cosines.
    note
        Why regions are not available, or are not exact.
    """

    extractor: str
    space: str
    similarity: float
    contribution: float
    share: float
    score: float
    regions_of: str | None = None
    is_exact: bool = False
    query: CellWeights | None = None
    hit: CellWeights | None = None
    matches: tuple[tuple[float, ...], ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Resembling:
    """A photo of the library that both photos are like, so that smoothing brings them together.

    Parameters
    ----------
    path, id
        The photo.
    share
        How much of the smoothed similarity comes from it.
    to_query, to_hit
        How near it is to both, as cosines of points of the index.
    """

    path: str
    id: int
    share: float
    to_query: float
    to_hit: float


@dataclass(frozen=True)
class WrittenMatch:
    """A word of a query that is written about a photo.

    Parameters
    ----------
    word
        The word.
    field
        Where it stands: "keyword", "caption", "name" (of the file), "folder" or "tag".
    text
        The keyword, caption, name, folder or tag that it stands in.
    certainty
        How sure it is that the photo shows it, 0 to 1.
    """

    word: str
    field: str
    text: str
    certainty: float


@dataclass(frozen=True)
class ExplainedWords:
    """What the words of a query add.

    Parameters
    ----------
    words
        What they are.
    score, photo_score
        How well the hit fits the words by themselves, and the photo by itself, 0 to 1.
    weight
        How much the words count beside the photo, 0 to 1.
    parts
        The score by each that compared them: extractors that embed texts, with their versions, and
        "written". The higher of the two kinds counts.
    matches
        The words that are written about the hit.
    """

    words: str
    score: float
    photo_score: float
    weight: float
    parts: tuple[tuple[str, float], ...] = ()
    matches: tuple[WrittenMatch, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why a photo is a hit of a query.

    Parameters
    ----------
    query, hit
        The two photos.
    sentence
        The reasons, in words.
    score
        0 to 1, as in an answer: by the photo and by the words of the query, if there are any.
    similarity
        How alike the photos are by themselves: the cosine of their embeddings relative to the
        library's mean, or the plain one without an index. What the parts add, and the cells of
        them, sums up to it.
    parts
        What each extractor adds, the one first that adds the most.
    same
        "identical content" or "same picture", where they are; None otherwise.
    tags
        The tags and keywords that both carry, the surest first.
    seconds_apart
        Between the times at which they were taken; None where one does not say.
    metres_apart
        Between the places at which they were taken; None where one does not say.
    camera
        That of both; None where they differ or one does not say.
    smoothed
        How near the expanded query is to the smoothed point of the hit; None without an index.
    resembling_share
        How much of ``smoothed`` comes from other photos that the query is like.
    resembling
        Those that add the most, at most five.
    notes
        What is left out and why, a line each.
    words
        What the words of the query add to the score; None where it has none.
    """

    query: ExplainedPhoto
    hit: ExplainedPhoto
    sentence: str
    score: float
    similarity: float
    parts: tuple[ExplainedPart, ...]
    same: Literal["identical content", "same picture"] | None = None
    tags: tuple[str, ...] = ()
    seconds_apart: float | None = None
    metres_apart: float | None = None
    camera: str | None = None
    smoothed: float | None = None
    resembling_share: float = 0.0
    resembling: tuple[Resembling, ...] = ()
    notes: tuple[str, ...] = ()
    words: ExplainedWords | None = None
