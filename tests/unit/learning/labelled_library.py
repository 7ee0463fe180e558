"""A library in memory whose photos have classes, and a person who judges by them."""

from __future__ import annotations

import numpy as np

from photofind.indexing.index_building import build_index
from photofind.learning.feedback.reranking import Reranker
from photofind.library.memory import MemoryStore
from photofind.model import Answer, Query
from photofind.model.judgements import Asked, Judgement
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.projection import normalised
from photofind.search.searcher import Searcher

CLASSES, EACH, DIMENSION = 6, 40, 32
SPACE = "made-up@1"


def fill(store: MemoryStore, *, nuisance: float = 0.0, noise: float = 1.0, seed: int = 0) -> None:
    """Put photos into a library, of each class in a folder of its own, and build the index.

    ``nuisance`` is how much a few directions vary that say nothing of the class.
    """
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(CLASSES, DIMENSION))
    codes = np.repeat(np.arange(CLASSES), EACH)
    vectors = centres[codes] + noise * generator.normal(size=(len(codes), DIMENSION))
    vectors[:, :4] += nuisance * generator.normal(size=(len(codes), 4))
    store.open_space("made-up", "1", DIMENSION)
    contents = [content(code, number % EACH) for number, code in enumerate(codes)]
    photos = [Photo(path(one), content=one) for one in contents]
    rows = normalised(vectors.astype(np.float32))
    store.commit(photos, SPACE, dict(zip(contents, rows, strict=True)))
    build_index(store, SPACE, graph=False)


def content(code: int, number: int) -> str:
    return f"{code:04x}{number:012x}"


def class_of(one: str) -> int:
    """Return the class of a content, or of a path."""
    return int(one.rsplit("/", 1)[-1][:4], 16)


def path(one: str) -> str:
    return f"/photos/{class_of(one)}/{one}.jpg"


def no_extraction(name: str) -> None:
    raise AssertionError("no photo needs to be read")


def ask(store: MemoryStore, home: Home, query: str, rerank: Reranker, **options: object) -> Answer:
    """Ask for what is like the photo of a content."""
    searcher = Searcher(store, home, "made-up", no_extraction)  # type: ignore[arg-type]
    options = {"limit": 300, "min_score": 0.0, **options}
    return searcher.similar(Query((path(query),), **options), rerank)  # type: ignore[arg-type]


def contents_of(answer: Answer) -> list[str]:
    return [hit.path.rsplit("/", 1)[1].removesuffix(".jpg") for hit in answer.hits]


def precision(hits: list[str], query: str, left_out: set[str] = frozenset()) -> float:  # type: ignore[assignment]
    """Return the average precision of the hits, without some."""
    right = np.array([class_of(h) == class_of(query) for h in hits if h not in left_out])
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())


def judge_first(store: MemoryStore, home: Home, query: str, count: int) -> list[Judgement]:
    """Judge the first hits of a query by their classes, and keep that."""
    hits = contents_of(ask(store, home, query, Reranker(store, kept=False)))[:count]
    judgements = [
        Judgement(Asked((query,)), hit, class_of(hit) == class_of(query), 10.0) for hit in hits
    ]
    store.judge(judgements)
    return judgements
