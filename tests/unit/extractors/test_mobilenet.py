"""The default extractor and its files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from photofind.extractors.litert import Network
from photofind.extractors.mobilenet import INT8_FILE, TFLITE_FILE, WEIGHTS_FILE, MobileNet
from photofind.extractors.registry import load
from photofind.extractors.samples import photographs

both = pytest.mark.parametrize("name", ["mobilenet", "mobilenet-int8"])


def test_the_weights_are_those_that_the_recipe_wrote():
    listed = dict(
        line.split()[::-1] for line in TFLITE_FILE.with_name("SHA256SUMS").read_text().splitlines()
    )
    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (TFLITE_FILE, WEIGHTS_FILE, INT8_FILE)
    }


@both
def test_it_conforms_to_the_protocol(name: str):
    mobilenet = load(name)
    pictures = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), np.uint8)
    vectors = mobilenet.embed(pictures)
    assert vectors.shape == (3, 1280)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@both
def test_smaller_pictures_can_be_compared(name: str):
    mobilenet = load(name)
    whole = mobilenet.embed(photographs(mobilenet.input_size))
    small = mobilenet.embed(photographs(mobilenet.preview_size))
    again = mobilenet.embed(photographs(mobilenet.input_size))
    np.testing.assert_array_equal(again, whole)
    similarities = small @ whole.T
    assert (similarities.argmax(axis=1) == np.arange(len(whole))).all()
    assert similarities.diagonal().mean() > 0.6


@both
def test_an_embedding_is_the_mean_over_the_feature_map(name: str):
    mobilenet = load(name)
    assert "feature_map" in mobilenet.abilities
    for size, cells in ((mobilenet.input_size, 7), (mobilenet.preview_size, 4)):
        pictures = photographs(size)
        maps = mobilenet.feature_map(pictures)
        assert maps.shape == (len(pictures), cells, cells, 1280)
        np.testing.assert_allclose(
            maps.mean(axis=(1, 2)), mobilenet._extractor.embed(pictures), atol=1e-5
        )


def test_integers_give_nearly_the_same_embeddings():
    pictures = photographs(MobileNet.input_size)
    floats, integers = (load(name).embed(pictures) for name in ("mobilenet", "mobilenet-int8"))
    assert (floats * integers).sum(axis=1).min() > 0.95
    assert not np.allclose(floats, integers, atol=1e-3)


def test_a_picture_has_the_same_vector_in_any_batch_and_on_any_number_of_threads():
    pictures = np.random.default_rng(2).integers(0, 256, (3, 224, 224, 3), np.uint8)
    together = Network(TFLITE_FILE, threads=1)(pictures)
    two = MobileNet()
    two.threads = 2
    for picture, vector in zip(pictures, together, strict=True):
        np.testing.assert_allclose(two.embed(picture[np.newaxis])[0], vector, atol=1e-5)
    assert not np.allclose(together[0], together[1])
