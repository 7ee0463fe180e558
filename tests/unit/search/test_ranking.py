"""Ranking on generated embeddings whose true neighbours are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photofind.library.embedded.index import CANDIDATES, Index
from photofind.library.embedded.index_builder import IndexBuilder
from photofind.library.embedded.vectors import Vectors
from photofind.ranking.exact import nearest_exactly
from photofind.ranking.projection import normalised
from photofind.search.duplicates import collapse, group_near_duplicates
from photofind.search.ranking import Ranker

CLUSTERS = 8
PHOTOS = 400
DIMENSION = 64
NONE = np.empty((0, DIMENSION), np.float32)
NO_ROWS = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLUSTERS, DIMENSION))
    noise = generator.normal(size=(PHOTOS, DIMENSION))
    return normalised((centres[np.arange(PHOTOS) % CLUSTERS] + noise * 1.6 + 1).astype(np.float32))


@pytest.fixture(scope="module")
def space(embeddings: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("space")
    Vectors(folder / "vectors-1", DIMENSION, 0).append(embeddings)
    IndexBuilder().build(
        np.arange(PHOTOS), space=str(folder), vectors=str(folder / "vectors-1"),
        dimension=DIMENSION, generation=1, committed=PHOTOS, graph=False,
    )  # fmt: skip
    return folder


@pytest.fixture
def vectors(space: Path) -> Vectors:
    return Vectors(space / "vectors-1", DIMENSION, PHOTOS)


@pytest.fixture
def index(space: Path) -> Index:
    return Index(space)


@pytest.fixture
def everything() -> np.ndarray:
    return np.ones(PHOTOS, np.bool_)


def precision(rows: np.ndarray, cluster: int) -> float:
    return float((rows[:40] % CLUSTERS == cluster).mean())


def test_ranking_by_the_index_beats_the_plain_cosine(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray
) -> None:
    ranker = Ranker(vectors, everything, index)
    by_index, plainly = [], []
    for row in range(40):
        query, own = embeddings[row : row + 1], np.array([row])
        found = ranker.rank(query, NONE, 40, query_rows=own)
        plain = ranker.rank(query, NONE, 40, query_rows=own, plain=True)
        assert (found.searched_by, plain.searched_by) == ("exact", "plain")
        assert found.rows[0] == plain.rows[0] == row
        assert found.scores[0] == plain.scores[0] == 1.0
        by_index.append(precision(found.rows, row % CLUSTERS))
        plainly.append(precision(plain.rows, row % CLUSTERS))
    assert np.mean(by_index) > np.mean(plainly) + 0.05


def test_scores_fall_and_stay_between_nothing_and_one(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray
) -> None:
    found = Ranker(vectors, everything, index).rank(
        embeddings[:1], NONE, PHOTOS, query_rows=NO_ROWS
    )
    assert len(found.rows) == PHOTOS
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= 0
    assert found.scores.max() <= 1


def test_a_copy_comes_first_though_it_is_smoothed_away(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray
) -> None:
    noise = np.random.default_rng(3).normal(size=(PHOTOS, DIMENSION)).astype(np.float32)
    edited = normalised(embeddings + 0.03 * noise)
    ranker = Ranker(vectors, everything, index)
    first = [
        ranker.rank(edited[row : row + 1], NONE, 5, query_rows=NO_ROWS).rows[0]
        for row in range(PHOTOS)
    ]
    assert np.mean(first == np.arange(PHOTOS)) > 0.99


@pytest.mark.parametrize("plain", [False, True])
def test_dead_and_filtered_rows_are_no_hits(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray, plain: bool
) -> None:
    alive, allowed = everything.copy(), everything.copy()
    alive[::3] = False
    allowed[1::3] = False
    found = Ranker(vectors, alive, index).rank(
        embeddings[:1], NONE, 20, query_rows=NO_ROWS, allowed=allowed, plain=plain
    )
    assert set(found.rows.tolist()) == set(range(2, PHOTOS, 3))


def test_what_is_not_wanted_goes_down(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray
) -> None:
    ranker = Ranker(vectors, everything, index)
    both = np.stack([embeddings[0], embeddings[1]])
    mixed = ranker.rank(both, NONE, 40, query_rows=NO_ROWS)
    without = ranker.rank(both, embeddings[9:10], 40, query_rows=NO_ROWS)
    assert precision(without.rows, 1) < precision(mixed.rows, 1) - 0.1
    assert precision(without.rows, 0) > precision(mixed.rows, 0) + 0.1


def test_without_an_index_all_vectors_are_compared(
    vectors: Vectors, everything: np.ndarray, embeddings: np.ndarray
) -> None:
    found = Ranker(vectors, everything).rank(embeddings[5:6], NONE, 10, query_rows=NO_ROWS)
    expected = nearest_exactly(embeddings, embeddings[5:6], 10)[0][0]
    assert np.array_equal(found.rows[:10], expected)


def test_a_graph_gives_candidates_and_fresh_rows_are_scanned(
    vectors: Vectors, index: Index, everything: np.ndarray, embeddings: np.ndarray, space: Path
) -> None:
    from dataclasses import replace

    asked = []
    points = index.points(np.arange(300))

    def graph(queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append(count)
        return nearest_exactly(points, queries, count)

    index.facts = replace(index.facts, graph_points=300)
    by_graph = Ranker(vectors, everything, index, graph).rank(
        embeddings[:1], NONE, 20, query_rows=np.array([0])
    )
    index.facts = replace(index.facts, graph_points=0)
    exactly = Ranker(vectors, everything, index).rank(
        embeddings[:1], NONE, 20, query_rows=np.array([0])
    )
    # Five neighbours that are asked for alone may not be the nearest.
    assert min(asked) >= CANDIDATES
    assert by_graph.searched_by == "graph"
    assert np.array_equal(by_graph.rows[:20], exactly.rows[:20])


def test_near_duplicates_collapse_under_the_best(index: Index, embeddings: np.ndarray) -> None:
    ranked = np.stack([embeddings[0], embeddings[1], embeddings[0], embeddings[2], embeddings[1]])
    assert collapse(ranked, 10, index) == [[0, 2], [1, 4], [3]]
    assert collapse(ranked, 1, index) == [[0, 2]]


@pytest.mark.parametrize("with_index", [False, True])
def test_near_duplicates_are_grouped(
    tmp_path: Path, embeddings: np.ndarray, with_index: bool
) -> None:
    noise = np.random.default_rng(4).normal(size=(6, DIMENSION)).astype(np.float32) * 0.01
    copies = normalised(embeddings[[0, 0, 1, 2, 2, 2]] + noise)
    path = tmp_path / "vectors-1"
    Vectors(path, DIMENSION, 0).append(np.concatenate([embeddings[:100], copies]))
    vectors = Vectors(path, DIMENSION, 106)
    if with_index:
        IndexBuilder().build(
            np.arange(103), space=str(tmp_path), vectors=str(path), dimension=DIMENSION,
            generation=1, committed=106, graph=False,
        )  # fmt: skip
    index = Index(tmp_path) if with_index else None
    groups = {
        tuple(rows.tolist())
        for rows, similarity in group_near_duplicates(vectors, np.arange(106), index)
    }
    assert groups == {(0, 100, 101), (1, 102), (2, 103, 104, 105)}
