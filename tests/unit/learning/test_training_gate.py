"""The gate of adoption: held-out photos, held-out classes, and over-fitting."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.learning.metrics import Estimate
from photofind.learning.training import gate
from photofind.learning.training.batches import balanced_batches
from photofind.learning.training.gate import (
    Comparison,
    class_folds,
    compare,
    mean_precision,
    split_photos,
    verdict,
)
from photofind.learning.training.pca import principal_head


def comparison(before, after):
    return Comparison(
        Estimate(before, before, before), Estimate(0, 0, 0), Estimate(after, after, after), 9
    )


GOOD, BAD = comparison(0.8, 0.9), comparison(0.8, 0.7)


def test_both_sides_have_to_be_passed():
    assert verdict(GOOD, GOOD, GOOD, "base") == (True, ())
    passed, (line,) = verdict(GOOD, GOOD, BAD, "base")
    assert not passed
    assert "classes that it was not trained on worse than base: 80.0 -> 70.0 % mAP" in line
    passed, (line,) = verdict(BAD, BAD, GOOD, "base")
    assert not passed
    assert "held-out photos no better than base: 80.0 -> 70.0 % mAP" in line
    passed, (line,) = verdict(GOOD, GOOD, None, "base")
    assert not passed
    assert "too few classes" in line


def test_over_fitting_is_told_of_and_no_failure():
    passed, (line,) = verdict(comparison(0.8, 0.82), comparison(0.8, 1.0), GOOD, "base")
    assert passed
    assert line == (
        "it over-fits: 80.0 -> 100.0 % mAP on the photos that it was trained on, "
        "80.0 -> 82.0 % on those held out"
    )


def test_of_many_photos_some_are_asked_with_and_the_same_of_each_embedding(monkeypatch):
    random = np.random.default_rng(0)
    codes = np.arange(60) % 3
    vectors = random.normal(size=(60, 8)).astype(np.float32)
    monkeypatch.setattr(gate, "_MOST_PAIRS", 20 * 60)
    monkeypatch.setattr(gate, "_FEW_QUERIES", 2)
    compared = compare([(vectors, 3 * vectors, vectors, codes)], 0)
    assert compared.queries == 20
    assert compared.before == compared.after
    assert compared.pca.value == pytest.approx(compared.before.value)


def test_held_out_photos_can_find_each_other():
    codes = np.repeat([0, 1, 2], [3, 4, 20])
    split = split_photos(codes, 0.2, seed=1)
    assert np.bincount(codes[split.queries], minlength=3).tolist() == [0, 2, 4]
    assert np.bincount(codes[split.gallery], minlength=3).tolist() == [3, 2, 16]
    assert not np.intersect1d(split.queries, split.gallery).size


def test_each_class_is_held_out_once_and_never_alone():
    codes = np.repeat(np.arange(8), [5, 5, 5, 5, 5, 5, 5, 1])
    folds = class_folds(codes, seed=1)
    assert len(folds) == 3
    held_out = [set(codes[fold.queries]) for fold in folds]
    assert min(map(len, held_out)) >= 2
    assert sorted(one for some in held_out for one in some) == list(range(7))
    for fold, some in zip(folds, held_out, strict=True):
        assert not some & set(codes[fold.gallery])


def test_of_three_classes_none_is_held_out():
    assert class_folds(np.repeat([0, 1, 2], 9), seed=0) == []


def test_embeddings_are_compared_on_the_same_photos():
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(4), 300)  # More than are ranked at once.
    noise = random.standard_normal((len(codes), 8)).astype(np.float32)
    classes = np.eye(8, dtype=np.float32)[codes]
    one = compare([(noise, noise, noise + 9 * classes, codes)] * 2, seed=0)
    assert one.queries == 2 * len(codes)
    assert one.before == one.pca
    assert one.before.value < 0.3
    assert one.after.value > 0.99
    assert one.passed
    assert one.after.value == mean_precision(noise + 9 * classes, codes)


def test_principal_components_keep_what_differs_most():
    random = np.random.default_rng(0)
    scales = np.array([1, 5, 2, 0.1], np.float32)
    points = random.standard_normal((500, 4)).astype(np.float32) * scales + 3
    head = principal_head(points, 2)
    np.testing.assert_allclose(np.abs(head.weights), np.eye(4)[:, [1, 2]], atol=0.1)
    np.testing.assert_allclose(head(points).mean(axis=0), 0, atol=1e-3)


def test_of_few_photos_there_are_as_many_directions():
    points = np.random.default_rng(0).standard_normal((5, 32)).astype(np.float32)
    weights = principal_head(points, 16).weights
    np.testing.assert_allclose(weights.T @ weights, np.eye(16), atol=1e-4)


def test_batches_have_as_many_photos_of_each_class():
    classes = np.repeat([0, 1, 2], [1000, 100, 2]).astype(np.int64)
    batches = balanced_batches(classes, 30, np.random.default_rng(0))
    for _ in range(5):
        batch = next(batches)
        assert np.bincount(classes[batch]).tolist() == [10, 10, 2]
        assert len(set(batch.tolist())) == len(batch)


def test_of_many_classes_each_batch_has_some_with_four_photos():
    classes = np.repeat(np.arange(100), 9).astype(np.int64)
    batch = next(balanced_batches(classes, 32, np.random.default_rng(0)))
    found, counts = np.unique(classes[batch], return_counts=True)
    assert (len(found), set(counts.tolist())) == (8, {4})
