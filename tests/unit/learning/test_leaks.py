"""Copies are found by content and by fingerprint, and are on one side of a split alone."""

import numpy as np
from PIL import Image, ImageOps
from skimage import data

from photofind.images.fingerprint import fingerprint_of
from photofind.learning.leaks import find_copies, without_copies, without_leaks
from photofind.learning.splits import Split


def fingerprint(picture):
    return fingerprint_of(picture.convert("RGB").resize((128, 128)))


def copies(near=True):
    cat, coffee, rocket = (
        Image.fromarray(getattr(data, name)()) for name in ("chelsea", "coffee", "rocket")
    )
    pictures = [cat, coffee, ImageOps.mirror(cat), rocket, coffee.resize((60, 40)), rocket]
    contents = ["cat", "coffee", "mirrored", "rocket", "small", "rocket"]
    return find_copies(contents, [fingerprint(one) for one in pictures], near=near)


def test_same_content_and_near_copies_are_pairs():
    pairs = [(one.left, one.right, one.identical) for one in copies().pairs]
    assert pairs == [(0, 2, False), (1, 4, False), (3, 5, True)]
    assert without_copies(copies()).tolist() == [0, 1, 3]


def test_takes_of_a_scene_are_copies_only_with_the_same_content():
    assert [(one.left, one.right) for one in copies(near=False).pairs] == [(3, 5)]


def test_queries_with_a_copy_in_the_gallery_are_taken_out():
    split = Split(np.array([0, 1, 4]), np.array([2, 3, 5]))
    clean, leaks = without_leaks(split, copies())
    assert clean.queries.tolist() == [3, 5], "both are queries, so neither sees the other"
    assert clean.gallery.tolist() == [0, 1, 4]
    assert [(one.left, one.right) for one in leaks] == [(0, 2)]


def test_nothing_is_a_copy_of_what_has_no_fingerprint():
    found = find_copies(["a", "b"], [None, None])
    assert found.pairs == ()
    assert without_copies(found).tolist() == [0, 1]
