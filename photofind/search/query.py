"""What is asked and what is answered, in plain values that any interface can show or send."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Answer", "DuplicateGroup", "Hit", "Query"]


@dataclass(frozen=True)
class Query:
    """Photos to find the like of, and what the hits are limited to.

    Parameters
    ----------
    like, unlike
        Absolute paths of photos, inside or outside the library.
    limit
        How many hits at the most.
    min_score
        Hits below this score are left out; 0 to 1.
    folder
        Only photos below this folder.
    since, until
        Only photos captured in this span: ISO 8601 dates or times, each as precise as wanted
        (``until="2021"`` takes in all of 2021). A photo without a capture date counts by the
        time of its file.
    extractor
        The name of the extractor whose embeddings are compared; None is the one in the settings.
    plain
        Rank by the cosine of the embeddings alone.
    every
        Show near-duplicates one by one instead of collapsed.
    """

    like: tuple[str, ...]
    unlike: tuple[str, ...] = ()
    limit: int = 20
    min_score: float = 0.0
    folder: str | None = None
    since: str | None = None
    until: str | None = None
    extractor: str | None = None
    plain: bool = False
    every: bool = False


@dataclass(frozen=True)
class Hit:
    """A photo found: its place, its score (0 to 1) and the near-duplicates collapsed under it."""

    rank: int
    path: str
    score: float
    captured: str | None
    width: int
    height: int
    offline: bool
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The hits of a query, best first.

    ``searched_by`` says how: "graph", "exact", or "plain" where full vectors were compared.
    ``photos`` is how many photos were searched, ``seconds`` how long it took.
    """

    query: Query
    hits: tuple[Hit, ...]
    searched_by: str
    extractor: str
    photos: int
    seconds: float


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that show the same picture, the largest first.

    ``exact`` where all of them are the same file content; ``similarity`` is the lowest cosine
    between any of them and the first.
    """

    paths: tuple[str, ...]
    exact: bool
    similarity: float
