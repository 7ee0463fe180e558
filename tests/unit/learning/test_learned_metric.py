"""A metric is learned from judgements, and counts only where it proves itself."""

from __future__ import annotations

import stat
from dataclasses import replace

import numpy as np
import pytest
from labelled_library import CLASSES, SPACE, ask, content, contents_of, fill, judge_first, precision

from photofind.learning.feedback.learner import learn, state_of
from photofind.learning.feedback.metric import Example, Metric, fit
from photofind.learning.feedback.metric_files import MetricFiles
from photofind.learning.feedback.reranking import Reranker
from photofind.library.memory import Memory, MemoryStore
from photofind.model.judgements import Asked, Judgement
from photofind.paths import Home
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection, normalised

BACKGROUND = Background(0.0, 0.1)


@pytest.fixture(scope="module")
def judged() -> Memory:
    """A library whose first directions mislead, and judgements of four queries of each class."""
    memory = Memory()
    store = MemoryStore(memory)
    fill(store, nuisance=3.0)
    for code in range(CLASSES):
        for number in (3, 11, 17, 25):
            judge_first(store, Home.default(), content(code, number), 20)
    return memory


@pytest.fixture
def store(judged: Memory) -> MemoryStore:
    own = Memory()
    own.state = judged.state
    return MemoryStore(own)


def plain_projection(dimension: int) -> Projection:
    return Projection(np.zeros(dimension, np.float32), np.eye(dimension, dtype=np.float32))


def example(query: list[float], liked: list[float], disliked: list[float]) -> Example:
    return Example(*(normalised(np.array([one], np.float32)) for one in (query, liked, disliked)))


def test_a_direction_that_misleads_counts_less_and_one_that_tells_more() -> None:
    examples = [
        example([1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0.2, 0]),
        example([1, -1, 0, 0], [0, -1, 1, 0], [1, 0, 0.2, 0]),
    ]
    metric = fit(examples, plain_projection(4), BACKGROUND)
    assert metric.weights[0] < 0.9
    assert metric.weights[1] > 1.1
    assert metric.weights[3] == pytest.approx(1)


def test_nothing_to_compare_changes_nothing() -> None:
    liked = Example(*(normalised(np.ones((1, 4), np.float32)) for _ in range(2)), np.empty((0, 4)))
    metric = fit([liked], plain_projection(4), BACKGROUND)
    assert metric.weights.tolist() == [1, 1, 1, 1]
    base = np.array([0.5, 0.1])
    photos = normalised(np.array([[1, 0, 0, 1], [0, 1, 0, 0]], np.float32))
    assert metric.shift(liked.query, photos, base).tolist() == pytest.approx([0, 0])
    assert fit([], plain_projection(4), BACKGROUND).weight(liked.query) == 0


def test_it_counts_for_queries_that_resemble_what_was_judged_and_for_no_others() -> None:
    metric = fit([example([1, 0, 0], [1, 0.2, 0], [1, 0, 0.2])], plain_projection(3), BACKGROUND)
    assert metric.weight(np.array([[1, 0, 0]], np.float32)) == 1
    assert metric.weight(normalised(np.array([[-1, 0, 0]], np.float32))) == 0


def test_a_metric_that_proves_itself_is_kept_and_ranks_others_better(
    store: MemoryStore, home: Home
) -> None:
    files = MetricFiles(home)
    status = learn(store, files, SPACE)
    assert status.state == "on", status.reason
    assert status.queries >= 10
    assert status.before is not None
    assert status.after is not None
    assert status.after > status.before
    assert status.others_before is not None
    assert status.others_after is not None
    assert status.others_after >= status.others_before - 0.001
    assert files.status(SPACE) == status
    gains = []
    for code in range(CLASSES):
        query = content(code, 30)
        before, after = (
            contents_of(ask(store, home, query, Reranker(store, metric)))
            for metric in (lambda space: None, files.metric)
        )
        gains.append(precision(after, query) - precision(before, query))
    assert np.mean(gains) > 0.005
    answer = ask(store, home, content(0, 30), Reranker(store, files.metric))
    assert answer.feedback is not None
    assert answer.feedback.metric


def test_a_handful_of_judgements_teaches_nothing(store: MemoryStore, home: Home) -> None:
    few = [one for one in store.judgements() if one.asked == store.judgements()[0].asked]
    store.forget_judgements([one for one in store.judgements() if one not in few])
    files = MetricFiles(home)
    status = learn(store, files, SPACE)
    assert status.state == "none"
    assert "too few" in status.reason
    assert files.metric(SPACE) is None


def test_judgements_that_contradict_each_other_teach_nothing(
    store: MemoryStore, home: Home
) -> None:
    generator = np.random.default_rng(3)
    known = store.judgements()
    store.judge([replace(one, liked=bool(generator.integers(2))) for one in known])
    status = learn(store, MetricFiles(home), SPACE)
    assert status.state == "none"
    assert "no better" in status.reason
    assert "other photos of the library: " in status.reason
    assert status.others_after is not None


def test_a_metric_goes_with_the_judgements_that_it_was_learned_from(
    store: MemoryStore, home: Home
) -> None:
    files = MetricFiles(home)
    assert learn(store, files, SPACE).state == "on"
    assert files.learned_from(SPACE) == state_of(store.judgements(), 0)
    store.forget_judgements(store.judgements())
    assert files.learned_from(SPACE) != state_of(store.judgements(), 0)
    assert learn(store, files, SPACE).state == "none"
    assert files.metric(SPACE) is None


def test_what_was_forgotten_is_not_learned_again(store: MemoryStore, home: Home) -> None:
    files = MetricFiles(home)
    assert learn(store, files, SPACE).state == "on"
    assert files.forget(SPACE, state_of((), 0))
    assert files.metric(SPACE) is None
    since = files.since(SPACE)
    assert since > 10
    assert files.learned_from(SPACE) == state_of(store.judgements(), since), "it is not due"
    status = learn(store, files, SPACE)
    assert (status.state, status.judgements) == ("none", 0)
    new = Judgement(Asked(("q",)), "c", True, since + 1)
    assert state_of([new], since) != files.learned_from(SPACE)


def test_the_files_are_private_and_damaged_ones_count_as_none(
    store: MemoryStore, home: Home
) -> None:
    files = MetricFiles(home)
    learn(store, files, SPACE)
    kept = files.metric(SPACE)
    again = MetricFiles(home).metric(SPACE)
    assert isinstance(kept, Metric)
    assert isinstance(again, Metric)
    assert np.array_equal(kept.weights, again.weights)
    assert kept.background == again.background
    paths = sorted(home.metrics.iterdir())
    assert [path.suffix for path in paths] == [".json", ".npz"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    for damaged in (b"", b"PK\x03\x04 no arrays", paths[1].read_bytes()[:-200]):
        paths[1].write_bytes(damaged)
        assert MetricFiles(home).metric(SPACE) is None
    paths[0].write_bytes(b"[1, 2]")
    assert files.status(SPACE) is None
    assert files.since(SPACE) == 0
