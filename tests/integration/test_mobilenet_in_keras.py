"""LiteRT, TensorFlow's interpreter and Keras run the same network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import skimage

from photofind.extractors.mobilenet import MobileNet
from photofind.images.decode import decode

PHOTOS = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png"),
    *("motorcycle_left.png", "retina.jpg", "rocket.jpg", "text.png"),
)

EMBED_IN_TENSORFLOW = """
import sys
sys.modules["ai_edge_litert"] = None  # As where it has no wheel.
import keras, numpy
from photofind.extractors.mobilenet import MobileNet, keras_model
pictures = numpy.load(sys.argv[1])
interpreted = MobileNet().embed(pictures)
model = keras_model()
assert {weight.dtype for weight in model.weights} == {"float32"}
scaled = keras.applications.mobilenet_v2.preprocess_input(pictures.astype("float32"))
numpy.savez(sys.argv[2], keras=model(scaled, training=False), interpreted=interpreted)
"""


def test_litert_and_keras_agree_on_photographs(tmp_path):
    folder = Path(skimage.__file__).parent / "data"
    pictures = np.stack(
        [decode((folder / name).read_bytes(), MobileNet.input_size).pixels for name in PHOTOS]
    )
    given, returned = tmp_path / "pictures.npy", tmp_path / "vectors.npz"
    np.save(given, pictures)
    # In a process of its own, since no other test is to import TensorFlow.
    subprocess.run([sys.executable, "-c", EMBED_IN_TENSORFLOW, given, returned], check=True)
    vectors = MobileNet().embed(pictures)
    expected = np.load(returned)
    np.testing.assert_allclose(vectors, expected["interpreted"], atol=1e-4)
    # Not only the directions: training goes on from the numbers themselves.
    np.testing.assert_allclose(vectors, expected["keras"], atol=0.05)
    cosines = (vectors * expected["keras"]).sum(1)
    cosines /= np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected["keras"], axis=1)
    assert cosines.min() >= 0.9999, dict(zip(PHOTOS, cosines.tolist(), strict=True))
