"""The nearest vote, and a probe tells what a plane can tell."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from photofind.learning.classifiers import nearest_vote, probe_by_folds, probe_held_out
from photofind.learning.splits import held_out_photos
from photofind.ranking.projection import normalised


@pytest.fixture(scope="module")
def classes():
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(3), 40)
    centres = random.normal(size=(3, 16))
    return normalised(centres[codes] + random.normal(size=(120, 16)) * 0.8), codes


def test_votes_are_those_of_scikit_learn(classes):
    vectors, codes = classes
    split = held_out_photos(codes, 0.25)
    gallery, queries = vectors[split.gallery], vectors[split.queries]
    told = nearest_vote(queries @ gallery.T, codes[split.gallery], 3, neighbours=1)
    theirs = KNeighborsClassifier(1, metric="cosine").fit(gallery, codes[split.gallery])
    assert told.tolist() == theirs.predict(queries).tolist()


def test_most_votes_win_and_the_nearer_of_as_many():
    similarities = np.array([[0.9, 0.8, 0.7, 0.6]])
    assert nearest_vote(similarities, np.array([0, 1, 1, 0]), 2, neighbours=3).tolist() == [1]
    assert nearest_vote(similarities, np.array([0, 1, 1, 0]), 2, neighbours=4).tolist() == [0]


def test_query_itself_has_no_vote():
    similarities = np.array([[1.0, 0.8, 0.7]])
    own = np.array([0])
    assert nearest_vote(similarities, np.array([0, 1, 1]), 2, own, neighbours=1).tolist() == [1]


def test_probe_tells_held_out_photos(classes):
    vectors, codes = classes
    split = held_out_photos(codes, 0.25)
    told = probe_held_out(vectors, codes, split)
    assert np.mean(told == codes[split.queries]) > 0.9
    assert np.mean(probe_by_folds(vectors, codes) == codes) > 0.9


def test_probe_learns_nothing_from_labels_at_random(classes):
    vectors, codes = classes
    shuffled = np.random.default_rng(1).permutation(codes)
    assert np.mean(probe_by_folds(vectors, shuffled) == shuffled) < 0.55
