"""A query and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from photofind.model.parameters import (
    AbsolutePath,
    Box,
    Date,
    Length,
    Limit,
    TagName,
    Text,
    Unit,
    Words,
)
from photofind.model.references import QueryPhoto

__all__ = [
    "Answer",
    "ByWords",
    "ExtractorProgress",
    "Feedback",
    "Hit",
    "JudgedPhoto",
    "Query",
]


@dataclass(frozen=True)
class Query:
    """Photos to find the like of, or words for what they show, and what the hits are limited to.

    Parameters
    ----------
    like, unlike
        Absolute paths of photos, inside or outside the library, and ids of photos in it; to the
        daemon also uploads. There is at least one, or there are words.
    limit
        How many hits at most; None is what the settings say.
    min_score
        Hits below this score are left out, 0 to 1; None is what the settings say.
    folder
        Only photos below this folder.
    since, until
        Only photos captured in this span: ISO 8601 dates or times, each as precise as wanted
        (``until="2021"`` takes in all of 2021). A photo without a capture date counts by the
        time of its file.
    tags
        Only photos that carry all of these tags or keywords: whole names or whole words of them,
        whatever their case.
    extractor
        The name of the extractor whose embeddings are compared; None is the one in the settings.
    plain
        Rank by the cosine of the embeddings alone.
    every
        Show near-duplicates one by one instead of collapsed.
    box
        The part of the query's one photo that is compared: x, y, width and height, as fractions
        of its sides; None is the whole.
    any_rotation
        Whether the query's one photo is compared turned and mirrored too. None does it for a photo
        that the library does not know, where nothing shows the same picture otherwise.
    originals
        Whether photos come first that the query's one photo was cut from, and that were cut from
        it. Pixels are compared for that, which takes some seconds.
    words
        What hits should show, in words: compared by the extractors that embed texts, and with the
        tags, keywords, captions and names of photos and folders.
    words_weight
        How much the words count beside photos, 0 to 1: at 0 the photos alone count, at 1 the words;
        None counts both the same.
    feedback
        Whether what was judged for the same query before, and what was learned from judgements,
        ranks the hits too; None is what the settings say.
    """

    like: Annotated[tuple[QueryPhoto, ...], Length(0, 100)] = ()
    unlike: Annotated[tuple[QueryPhoto, ...], Length(0, 100)] = ()
    limit: Limit | None = None
    min_score: Unit | None = None
    folder: AbsolutePath | None = None
    since: Date | None = None
    until: Date | None = None
    extractor: Text | None = None
    plain: bool = False
    every: bool = False
    tags: Annotated[tuple[TagName, ...], Length(0, 20)] = ()
    box: Box | None = None
    any_rotation: bool | None = None
    originals: bool = False
    words: Words | None = None
    feedback: bool | None = None
    words_weight: Unit | None = None


@dataclass(frozen=True)
class Hit:
    """A photo found.

    Parameters
    ----------
    rank
        1, 2, 3 ...
    path, id
        The photo, and its number in the library.
    score
        0 to 1; 0.5 is where fewer than one of 1,000 pairs of unrelated photos come, 1 is the same
        picture.
    captured
        When it was taken, ISO 8601; None where it does not say.
    width, height
        In pixels, as it is shown; 0 while the photo is preliminary.
    size, modified
        Of its file: bytes, and nanoseconds since 1970.
    offline
        Whether it is out of reach at the moment.
    preliminary
        Whether its vector was made of its embedded thumbnail so far.
    copies, copy_ids
        Paths and numbers of the near-duplicates collapsed under it, in the order of their scores.
    words
        How well it fits the words of the query by themselves, 0 to 1; None where it has none.
    """

    rank: int
    path: str
    score: float
    captured: str | None
    width: int
    height: int
    offline: bool
    copies: tuple[str, ...] = ()
    id: int = 0
    size: int = 0
    modified: int = 0
    preliminary: bool = False
    copy_ids: tuple[int, ...] = ()
    words: float | None = None


@dataclass(frozen=True)
class ExtractorProgress:
    """How far an extractor is that is to answer queries, and does not yet.

    Parameters
    ----------
    extractor, version
        Its name, and the version of what it makes; None while it was not loaded.
    embedded, photos
        How many photos it has embedded, of how many.
    """

    extractor: str
    version: str | None
    embedded: int
    photos: int

    @property
    def line(self) -> str:
        """The same in words."""
        name = self.extractor if self.version is None else f"{self.extractor} {self.version}"
        return f"{name} has embedded {self.embedded:,} of {self.photos:,} photos so far"


@dataclass(frozen=True)
class JudgedPhoto:
    """A photo that was judged for a query: its number, its path, and whether it was liked."""

    id: int
    path: str
    liked: bool


@dataclass(frozen=True)
class Feedback:
    """What judgements of a person did to an answer.

    Parameters
    ----------
    judged
        The photos that were judged for the same query: liked ones come first among the hits,
        disliked ones are left out.
    proposals
        Photos that are worth judging next, the most telling first.
    metric
        Whether a metric counted that was learned from the judgements of all queries.
    key
        Names the query among the judgements, to forget all of its judgements by.
    """

    judged: tuple[JudgedPhoto, ...]
    proposals: tuple[Hit, ...] = ()
    metric: bool = False
    key: str = ""


@dataclass(frozen=True)
class ByWords:
    """What the words of a query did to an answer.

    Parameters
    ----------
    weight
        How much they counted beside photos, 0 to 1.
    compared_by
        What compared them with photos: extractors that embed texts, with their versions, and
        "written" for tags, keywords, captions and names. The one counts that a photo fits best by.
    """

    weight: float
    compared_by: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The hits of a query, best first.

    ``searched_by`` says how: "graph", "exact", "plain" where full vectors were compared, or
    "written" where words were compared with tags, keywords, captions and names alone.
    ``photos`` is how many photos were searched, ``seconds`` how long it took.
    ``preliminary`` is how many of them are known by their embedded thumbnails only, so far.
    ``turned`` says whether the query's photo was compared turned and mirrored too.
    ``spaces`` names the extractors that answered with their versions, as in ``mobilenet@1``.
    ``coming`` are those that are to answer once they have embedded nearly all photos.
    ``notes`` says who answers instead of whom, and why, a line each.
    ``feedback`` says what judgements did to it; None where there were none.
    ``by_words`` says what the words of the query did; None where it has none.
    """

    query: Query
    hits: tuple[Hit, ...]
    searched_by: str
    extractor: str
    photos: int
    seconds: float
    preliminary: int = 0
    turned: bool = False
    spaces: tuple[str, ...] = ()
    coming: tuple[ExtractorProgress, ...] = ()
    notes: tuple[str, ...] = ()
    feedback: Feedback | None = None
    by_words: ByWords | None = None
