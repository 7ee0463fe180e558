"""LiteRT, TensorFlow's interpreter and Keras run the same network."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import skimage

from photofind.extractors.mobilenet import MobileNet
from photofind.images.decode import decode
from photofind.learning.explanation.cells import contributions, pooled, relative_cells

PHOTOS = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png"),
    *("motorcycle_left.png", "retina.jpg", "rocket.jpg", "text.png"),
)

EMBED_IN_TENSORFLOW = """
import sys
sys.modules["ai_edge_litert"] = None  # As where it has no wheel.
import keras, numpy
from photofind.extractors.mobilenet import MobileNet, keras_model, keras_network
pictures = numpy.load(sys.argv[1])
interpreted = MobileNet().embed(pictures)
model = keras_model()
assert {weight.dtype for weight in model.weights} == {"float32"}
scaled = keras.applications.mobilenet_v2.preprocess_input(pictures.astype("float32"))
keras.utils.set_random_seed(4)
untrained = keras_network()
mapping = keras.Model(untrained.inputs, untrained.layers[-2].output)
maps = mapping(scaled[:8], training=False)
numpy.savez(
    sys.argv[2], keras=model(scaled, training=False), interpreted=interpreted, untrained=maps
)
"""


@pytest.fixture(scope="module")
def pictures():
    folder = Path(skimage.__file__).parent / "data"
    return np.stack(
        [decode((folder / name).read_bytes(), MobileNet.input_size).pixels for name in PHOTOS]
    )


@pytest.fixture(scope="module")
def in_tensorflow(pictures, tmp_path_factory):
    """What TensorFlow makes of them."""
    folder = tmp_path_factory.mktemp("vectors")
    given, returned = folder / "pictures.npy", folder / "vectors.npz"
    np.save(given, pictures)
    # In a process of its own, since no other test is to import TensorFlow.
    subprocess.run([sys.executable, "-c", EMBED_IN_TENSORFLOW, given, returned], check=True)
    return np.load(returned)


def test_litert_and_keras_agree_on_photographs(pictures, in_tensorflow):
    expected = in_tensorflow
    vectors = MobileNet().embed(pictures)
    np.testing.assert_allclose(vectors, expected["interpreted"], atol=1e-4)
    # Not only the directions: training goes on from the numbers themselves.
    np.testing.assert_allclose(vectors, expected["keras"], atol=0.05)
    cosines = (vectors * expected["keras"]).sum(1)
    cosines /= np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected["keras"], axis=1)
    assert cosines.min() >= 0.9999, dict(zip(PHOTOS, cosines.tolist(), strict=True))


def test_without_training_other_regions_are_named(pictures, in_tensorflow):
    """What is named follows from what the network has learned, not from its architecture.

    Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018.
    """
    trained = MobileNet().feature_map(pictures[:8])
    untrained = in_tensorflow["untrained"]
    assert untrained.shape == trained.shape
    agreements = []
    for one, other in combinations(range(8), 2):
        weights = []
        for maps, centre in ((trained, _centre(trained)), (untrained, _centre(untrained))):
            cells = [relative_cells(maps[place], centre) for place in (one, other)]
            weights.append(contributions(*cells, 1.0)[0].ravel())
        agreements.append(np.corrcoef(*weights)[0, 1])
    assert abs(np.mean(agreements)) < 0.3


def _centre(maps):
    return np.mean([pooled(one) for one in maps], axis=0).astype(np.float32)
