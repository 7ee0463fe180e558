"""Splits share nothing, hold every class, and are the same for the same seed."""

import numpy as np
import pytest

from photofind.learning.splits import folds, held_out_classes, held_out_photos

CODES = np.repeat([0, 1, 2, 3], [50, 10, 2, 1])


def test_a_share_of_each_class_is_held_out():
    split = held_out_photos(CODES, 0.2, seed=1)
    assert sorted([*split.gallery, *split.queries]) == [*range(len(CODES))]
    assert np.bincount(CODES[split.queries], minlength=4).tolist() == [10, 2, 1, 0]
    assert held_out_photos(CODES, 0.2, seed=1).queries.tolist() == split.queries.tolist()
    assert held_out_photos(CODES, 0.2, seed=2).queries.tolist() != split.queries.tolist()


def test_held_out_classes_are_in_one_part_alone():
    split = held_out_classes(CODES, 0.25, seed=0)
    assert set(CODES[split.gallery]).isdisjoint(CODES[split.queries])
    assert len(set(CODES[split.queries])) == 1
    with pytest.raises(ValueError, match="fewer than two"):
        held_out_classes(np.zeros(3, int), 0.5)


def test_folds_are_of_one_size_and_hold_each_class():
    fold = folds(np.repeat([0, 1], [50, 50]), 10)
    assert np.bincount(fold).tolist() == [10] * 10
    assert np.bincount(fold[:50]).tolist() == [5] * 10
