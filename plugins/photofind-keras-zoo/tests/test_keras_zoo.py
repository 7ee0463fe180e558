"""The networks of Keras, with random weights instead of the published ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from photofind_keras_zoo import weights
from photofind_keras_zoo.extractors import ZOO, scaled

from photofind.errors import ExtractorError
from photofind.extractors.extraction import Extraction
from photofind.extractors.registry import installed, load
from photofind.extractors.samples import photographs
from photofind.testing import Subject
from photofind.testing.checks import check_threads

# In a process of its own, since tests must not import TensorFlow; in one, since that takes long.
ASK_KERAS = """
import inspect, json, sys, traceback
import h5py, keras, numpy
from keras.src.legacy.saving import legacy_h5_format
from photofind.errors import ExtractorError
from photofind_keras_zoo.extractors import ZOO, build, network, scaled

def agrees():
    pictures = numpy.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), numpy.uint8)
    for kind in ZOO.values():
        model = network(kind.application, kind.input_size)
        module = sys.modules[getattr(keras.applications, kind.application).__module__]
        source = inspect.getsource(module).replace('"\\n    f"', "").replace('"\\n    "', "")
        expected = module.preprocess_input(pictures.astype("float32"))
        numpy.testing.assert_allclose(scaled(pictures, kind.scaling), expected, atol=1e-4)
        assert model.output_shape[-1] == kind.dimension, kind
        assert model.output_shape[0] is None
        assert kind.weights.hash in source, kind
        assert kind.weights.address in source, kind

def reads():
    expected = made.get_weights()
    for file in files:
        weights = build(kind.application, file).get_weights()
        assert len(weights) == len(expected)
        assert all(map(numpy.array_equal, weights, expected)), file

def refuses():
    try:
        build("DenseNet121", newer)
    except ExtractorError as error:
        assert "does not hold the weights of DenseNet121" in str(error)
    else:
        raise AssertionError("it took the weights of another network")

keras.utils.set_random_seed(1)
name, *files = sys.argv[1:]
older, newer = files
kind = ZOO[name]
made = network(kind.application, kind.input_size)
with h5py.File(older, "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, made)
made.save_weights(newer)
said = {}
for check in (agrees, reads, refuses):
    try:
        check()
    except Exception:
        said[check.__name__] = traceback.format_exc()
    else:
        said[check.__name__] = "yes"
print(json.dumps(said))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keras's cache, empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    folder = tmp_path / "keras/models"
    folder.mkdir(parents=True)
    return folder


class Weights(NamedTuple):
    """Random weights for the smallest network, in both formats, and what Keras says of them."""

    older: Path
    newer: Path
    said: dict[str, str]


@pytest.fixture(scope="module")
def random_weights(home, tmp_path_factory):
    kind = ZOO["mobilenetv3large"]
    folder = tmp_path_factory.mktemp("keras") / "models"
    folder.mkdir()
    older, newer = folder / kind.weights.file, folder.with_name("newer.weights.h5")
    asked = [sys.executable, "-c", ASK_KERAS, kind.name, older, newer]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    return Weights(older, newer, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def shared(random_weights, monkeypatch):
    """A cache of Keras with the older file, the same for all: its network is converted once."""
    monkeypatch.setenv("KERAS_HOME", str(random_weights.older.parents[1]))


def test_all_seven_are_found():
    found = {p.name for p in installed() if p.distribution == "photofind-keras-zoo"}
    assert found == set(ZOO)
    assert len(found) == 7


@pytest.mark.parametrize("name", ZOO)
def test_without_weights_one_line_says_which_file_to_put_where(name, cache):
    with pytest.raises(ExtractorError) as caught:
        load(name)
    assert "cannot be loaded: it has no weights: put" in caught.value.message
    assert caught.value.message.endswith(f"{ZOO[name].weights.file} into {cache}")
    assert f"photofind_keras_zoo download {name}" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_scaling_and_weights_agree_with_keras(random_weights):
    assert random_weights.said["agrees"] == "yes"


def test_a_network_is_found_in_the_cache_of_keras_and_converted(shared):
    kind = ZOO["mobilenetv3large"]
    loaded = load(kind.name)
    assert re.fullmatch(r"1-[0-9a-f]{8}", loaded.version)  # Not the published weights.
    assert loaded.engine == "LiteRT"
    vectors = loaded.embed(photographs(kind.input_size))
    assert vectors.shape == (8, 960)
    assert not np.allclose(vectors[2], vectors[3], atol=1e-4)
    maps = loaded.feature_map(photographs(kind.input_size)[:1])
    assert maps.shape == (1, 7, 7, 960)
    with Extraction(kind.name) as extraction:
        assert extraction.info().version == loaded.version


def test_weights_saved_with_keras_3_are_read(random_weights, cache):
    assert random_weights.said["reads"] == "yes"
    kind = ZOO["mobilenetv3large"]
    (cache / "mobilenetv3large.weights.h5").symlink_to(random_weights.newer)
    newer = load(kind.name)
    (cache / "mobilenetv3large.weights.h5").unlink()
    (cache / kind.weights.file).symlink_to(random_weights.older)
    assert load(kind.name).version != newer.version


def test_other_weights_are_named(random_weights):
    assert random_weights.said["refuses"] == "yes"


def test_it_runs_on_the_threads_that_it_is_given(shared):
    check_threads(Subject("mobilenetv3large"))


def test_a_file_or_folder_can_be_given(random_weights, monkeypatch, tmp_path):
    kind = ZOO["mobilenetv3large"]
    older = random_weights.older
    for given in (older, older.parent):
        paths = os.pathsep.join([str(tmp_path / "nowhere"), str(given)])
        monkeypatch.setenv(weights.VARIABLE, paths)
        assert weights.find(kind.name, kind.weights) == older
    monkeypatch.setenv(weights.VARIABLE, str(older))
    with pytest.raises(ExtractorError):
        weights.find("vgg16", ZOO["vgg16"].weights)


def test_published_weights_have_the_plain_version(cache, monkeypatch):
    kind = ZOO["vgg16"]
    (cache / kind.weights.file).write_bytes(b"weights")
    assert kind().version != "1"
    hash_of = weights.hash_of(cache / kind.weights.file, "md5")
    monkeypatch.setattr(kind, "weights", kind.weights._replace(hash=hash_of))
    assert kind().version == "1"


def test_a_damaged_file_is_one_line(cache):
    (cache / ZOO["vgg16"].weights.file).write_bytes(b"no weights at all")
    with pytest.raises(ExtractorError, match=r"'vgg16' .* does not hold the weights") as caught:
        load("vgg16").embed(np.zeros((1, 224, 224, 3), np.uint8))
    assert "\n" not in str(caught.value)


def test_the_command_lists_and_says_what_is_missing(cache):
    (cache / ZOO["vgg16"].weights.file).write_bytes(b"weights")
    command = [sys.executable, "-m", "photofind_keras_zoo", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert listed.stdout == f"vgg16: {cache / ZOO['vgg16'].weights.file}\n"
    assert len(listed.stderr.splitlines()) == 6


def test_scaling_leaves_the_pictures_alone():
    pictures = np.full((1, 2, 2, 3), (255, 128, 0), np.uint8)
    np.testing.assert_allclose(scaled(pictures, "tf")[0, 0, 0], [1, 0.0039, -1], atol=1e-3)
    assert (pictures == (255, 128, 0)).all()
