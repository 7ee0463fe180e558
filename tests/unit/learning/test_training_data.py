"""What cannot be learned from is said before time is spent."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.errors import LearningError
from photofind.learning.training.data import (
    ALONE,
    TrainingData,
    check_data,
    check_labels,
    cleaned,
)


def data(labels, contents=None, dimension=8):
    count = len(labels)
    vectors = np.random.default_rng(0).standard_normal((count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = tuple(contents or map(str, range(count)))
    paths = tuple(f"/photos/{number}.jpg" for number in range(count))
    return TrainingData(
        "/photos", "base@1", vectors, tuple(labels), contents, (None,) * count, paths
    )


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("", "has 0 photos with labels, which is too little"),
        ("aaabbb", "has 6 photos with labels, which is too little"),
        ("aaaaaaaaaaaa", "all photos of /photos have the label 'a'"),
        ("aaaaaaaaaaab", "fewer than two classes of /photos have 4 photos: 'b' has 1 photo"),
        ([*"aaaaaaaaaa", f"{ALONE}1", f"{ALONE}2"], "have the label 'a'"),
    ],
)
def test_too_little_is_refused(labels, reason):
    with pytest.raises(LearningError, match=reason) as refused:
        check_labels("/photos", labels)
    assert refused.value.hint


def test_one_picture_under_two_labels_is_left_out():
    some = cleaned(data("aaaaabbbbb", contents="0123401678"))
    assert some.labels == tuple("aaabbb")
    (note,) = some.notes
    assert note == (
        "4 photos left out whose labels contradict each other: the same picture is "
        "'a' (/photos/0.jpg) and 'b' (/photos/5.jpg)"
    )


def test_copies_and_classes_of_one_photo_are_left_out():
    some = cleaned(data([*"aaabbbc", f"{ALONE}1"], contents="00123456"))
    assert some.labels == (*"aabbb", f"{ALONE}1")
    assert some.notes == (
        "1 photo left out that is a copy of another",
        "1 class left out with a single photo: 'c'",
    )


def test_uneven_and_small_classes_are_told_of():
    some = check_data(data("a" * 40 + "b" * 3 + "c" * 6))
    small, uneven = some.notes
    assert small == "1 class with fewer than 4 photos cannot be tested, only trained on: 'b'"
    assert uneven.startswith("the classes are uneven: 'a' has 40 photos and 'b' 3")


def test_few_photos_are_told_of():
    (note,) = check_data(data("aaaabbbbcccc")).notes
    assert note == "there is little to learn from: 12 photos in 3 classes"
