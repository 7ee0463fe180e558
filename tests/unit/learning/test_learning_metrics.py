"""Measures against worked examples and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as reference

from photofind.learning import metrics
from photofind.learning.metrics import (
    average_precision,
    bootstrap,
    classification_figures,
    confusion_matrix,
    cumulative_match,
    estimate_mean,
    map_at_r,
    precision_at,
    precision_recall_curve,
    ranked_relevance,
    recall_at,
)

# Manning et al., "Introduction to information retrieval", figure 8.1 has such rankings.
RELEVANCE = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0]], bool)


def test_relevance_leaves_out_the_query_itself_in_the_gallery():
    codes = np.array([0, 0, 1, 1])
    similarities = np.array([[1.0, 0.2, 0.9, 0.1], [0.9, 0.2, 0.1, 1.0]])
    own = np.array([0, 3])
    with_query = ranked_relevance(similarities, codes[own], codes)
    assert with_query.tolist() == [[True, False, True, False], [True, False, False, True]]
    without = ranked_relevance(similarities, codes[own], codes, own)
    assert without.tolist() == [[False, True, False], [False, False, True]]


def test_rankings_made_in_parts_are_those_made_at_once(monkeypatch):
    random = np.random.default_rng(1)
    similarities, codes = random.random((7, 30)), random.integers(0, 3, 30)
    own = np.arange(7)
    at_once = ranked_relevance(similarities, codes[own], codes, own)
    monkeypatch.setattr(metrics, "_AT_ONCE", 60)
    assert (ranked_relevance(similarities, codes[own], codes, own) == at_once).all()


def test_measures_of_known_rankings():
    assert average_precision(RELEVANCE)[:2] == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 5) / 2])
    assert np.isnan(average_precision(RELEVANCE)[2])
    assert map_at_r(RELEVANCE)[:2] == pytest.approx([0.5, 0.25])
    assert precision_at(RELEVANCE, 4) == pytest.approx([0.5, 0.25, 0])
    assert recall_at(RELEVANCE, 2)[:2] == pytest.approx([0.5, 0.5])
    assert cumulative_match(RELEVANCE, 3).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 0]]


def test_average_precision_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    similarities = random.random((20, 50))
    codes, gallery = random.integers(0, 3, 20), random.integers(0, 3, 50)
    ours = average_precision(ranked_relevance(similarities, codes, gallery))
    theirs = [
        reference.average_precision_score(gallery == code, row)
        for code, row in zip(codes, similarities, strict=True)
    ]
    assert ours == pytest.approx(theirs)


def test_precision_recall_curve_is_interpolated():
    curves = precision_recall_curve(RELEVANCE, np.array([0.0, 0.5, 0.6, 1.0]))
    assert curves[0] == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert curves[1] == pytest.approx([1 / 2, 1 / 2, 2 / 5, 2 / 5])
    assert np.isnan(curves[2]).all()


def test_classification_figures_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth = random.integers(0, 4, 200)
    predicted = np.where(random.random(200) < 0.7, truth, random.integers(0, 4, 200))
    figures = classification_figures(truth, predicted, 4)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(truth, predicted)
    assert figures.precision == pytest.approx(precision)
    assert figures.recall == pytest.approx(recall)
    assert figures.f1 == pytest.approx(f1)
    assert figures.macro()["f1"] == pytest.approx(np.mean(f1))
    assert figures.micro()["precision"] == pytest.approx(np.mean(truth == predicted))
    counts = confusion_matrix(truth, predicted, 4)
    assert counts.tolist() == reference.confusion_matrix(truth, predicted).tolist()
    for code in range(4):
        negatives = truth != code
        rate = np.mean(predicted[negatives] == code)
        assert figures.false_positive_rate[code] == pytest.approx(rate)


def test_class_that_does_not_occur_is_in_no_mean():
    figures = classification_figures(np.array([0, 0, 1]), np.array([0, 2, 1]), 3)
    assert np.isnan(figures.recall[2])
    assert figures.macro()["recall"] == pytest.approx(0.75)


def test_intervals_hold_the_mean_and_narrow_with_more_queries():
    values = (np.random.default_rng(2).random(400) < 0.8).astype(float)
    many, few = estimate_mean(values), estimate_mean(values[:40])
    assert many.low < many.value < many.high
    assert many.high - many.low < few.high - few.low
    # Of a mean the interval is about 1.96 standard errors to either side.
    expected = 1.96 * values.std() / np.sqrt(len(values))
    assert (many.high - many.low) / 2 == pytest.approx(expected, rel=0.15)
    assert estimate_mean(values, seed=3) == estimate_mean(values, seed=3)


def test_bootstrap_keeps_the_shape_of_figures():
    data = np.random.default_rng(4).random((30, 5))
    low, high = bootstrap(lambda places: data[places].mean(axis=0), 30, draws=50)
    assert low.shape == high.shape == (5,)
    assert (low < high).all()
