"""Saved Keras models become extractors, in a worker, and those that cannot say why in one line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import photofind, photofind_here
from waiting import patience

from photofind.errors import ExtractorError
from photofind.extractors.add_model import add_model, remove_model
from photofind.extractors.extraction import Extraction
from photofind.extractors.models import Model, list_models
from photofind.extractors.registry import installed, load
from photofind.extractors.samples import photographs
from photofind.paths import Home
from photofind.settings import set_setting

# In a process of its own, since no other test is to import TensorFlow.
MAKE_MODELS = """
import os, sys
os.chdir(sys.argv[1])
import keras, numpy
from keras import layers
keras.utils.set_random_seed(1)

# Trained on the spot: which corner of a picture is bright?
corners = numpy.random.default_rng(1).integers(0, 4, 512)
pictures = numpy.random.default_rng(2).random((512, 32, 32, 3), "float32") / 2
for picture, corner in zip(pictures, corners):
    picture[16 * (corner // 2):, 16 * (corner % 2):][:16, :16] += 0.4
trained = keras.Sequential([
    keras.Input((32, 32, 3)),
    layers.Conv2D(16, 3, 2, activation="relu"),
    layers.Conv2D(24, 3, 2, activation="relu", name="features"),
    layers.Flatten(),
    layers.Dense(4, activation="softmax"),
])
trained.compile("adam", "sparse_categorical_crossentropy")
trained.fit(pictures, corners, epochs=2, verbose=0)
trained.save("trained.keras")
features = trained.get_layer("features").output
keras.Model(trained.inputs, layers.GlobalAveragePooling2D()(features)).save("pooled.keras")
trained.save("older.h5")
trained.export("saved", format="tf_saved_model", verbose=False)

keras.applications.MobileNet(
    alpha=0.25, include_top=False, weights=None, input_shape=(None, None, 3)
).save("application.keras")

pictures = keras.Input((32, 32, 3))
code = layers.Lambda(lambda x: x * 2)(layers.Conv2D(4, 3)(pictures))
keras.Model(pictures, code).save("code.keras")
keras.Model(pictures, code).save("code.h5")
keras.Model(pictures, layers.GlobalAveragePooling2D()(pictures)[:, :1]).save("scalar.keras")
keras.Model(pictures, layers.Conv2D(4, 3, kernel_initializer="zeros", bias_initializer="ones")(
    pictures)).save("constant.keras")
other = keras.Input((32, 32, 3))
keras.Model([pictures, other], layers.Add()([pictures, other])).save("two.keras")
grey = keras.Input((32, 32, 1))
keras.Model(grey, layers.Conv2D(4, 3)(grey)).save("grey.keras")

@keras.saving.register_keras_serializable("mine")
class Own(layers.Layer):
    def call(self, x):
        return x

class Third(layers.Layer):
    def call(self, x):
        return x

keras.Model(pictures, Third()(Own()(layers.Conv2D(4, 3)(pictures)))).save("own.keras")
keras.Model(pictures, Own()(layers.Conv2D(4, 3)(pictures))).save("own.h5")
body = layers.Conv2D(4, 3, activation="relu")(pictures)
several = keras.Model(pictures, [
    layers.Conv2D(3, 1, name="first")(body), layers.GlobalAveragePooling2D(name="second")(body)])
several.save("several.keras")
several.export("several", format="tf_saved_model", verbose=False)

import tensorflow as tf

def save(name, act):
    module = tf.Module()
    module.weights = tf.Variable(tf.random.normal((3, 4), seed=1))
    def embed(x):
        act(x)
        return tf.matmul(tf.reduce_mean(x, (1, 2)), module.weights)
    module.embed = tf.function(embed, input_signature=[tf.TensorSpec((None, 32, 32, 3))])
    tf.saved_model.save(module, name, signatures={"serving_default": module.embed})

save("writes", lambda x: tf.io.write_file("written", "x"))
# In a function of the library alone.
save("reads", lambda x: tf.cond(tf.reduce_sum(x) > 0,
    lambda: tf.strings.length(tf.io.read_file("saved/saved_model.pb")), lambda: 0))
save("calls", lambda x: tf.py_function(lambda: None, [], []))
save("saves", lambda x: tf.raw_ops.SaveV2(
    prefix="written", tensor_names=["x"], shape_and_slices=[""], tensors=[x]))
save("prints", lambda x: tf.print(x, output_stream="file://written"))
# TensorFlow Lite has no such operation.
keras.Model(pictures, keras.ops.abs(keras.ops.fft2((
    layers.Conv2D(4, 3)(pictures), keras.ops.zeros_like(layers.Conv2D(4, 3)(pictures))))[0])
).save("unusual.keras")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-c", MAKE_MODELS, folder], check=True, timeout=patience(240))
    (folder / "text.keras").write_text("These are words.\n")
    (folder / "text.h5").write_text("These are words.\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "folder").mkdir()
    return folder


def given(name: str, path: Path, **options) -> Model:
    return Model(name, str(path), "", **options)


def test_a_model_trained_on_the_spot(models, home):
    path = Path(shutil.copy(models / "trained.keras", home.root.parent / "mine.keras"))
    wanted = given("mine", path, layer="features", preprocess="unit", pooling="gem")
    added = add_model(home, wanted)
    assert (added.engine, added.reason, added.warnings) == ("LiteRT", "", ())
    assert (added.model.dimension, added.input_size) == (24, (32, 32))
    assert list_models(home) == [added.model]
    (plugin,) = (plugin for plugin in installed(home) if plugin.name == "mine")
    copy = Path(plugin.target)
    assert (plugin.distribution, copy.name) == ("mine.keras", "mine.keras")
    assert copy.is_relative_to(home.models)
    assert copy.stat().st_mode & 0o077 == 0
    assert added.model.origin == str(path)
    path.unlink()  # What happens to it does not matter any more.

    extractor = load("mine")
    assert extractor.abilities == ("feature_map",)
    pictures = photographs((32, 32))
    maps = extractor.feature_map(pictures)
    means = (np.clip(maps, 1e-6, None) ** 3).mean((1, 2)) ** (1 / 3)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(extractor.embed(pictures), means, atol=1e-4)
    with Extraction("mine") as extraction:
        described = extraction.info()
    assert (described.engine, described.dimension) == ("LiteRT", 24)

    pooled = add_model(home, given("pooled", models / "pooled.keras", preprocess="unit"))
    assert (pooled.engine, pooled.model.dimension) == ("LiteRT", 24)
    by_mean = load("pooled")
    assert by_mean.abilities == ("feature_map",)
    maps = by_mean.feature_map(pictures)
    assert maps.shape == (len(pictures), 7, 7, 24)
    np.testing.assert_allclose(
        maps.mean(axis=(1, 2)), by_mean._extractor.embed(pictures), atol=1e-5
    )

    set_setting(home.settings, "extractor", "mine")
    with pytest.raises(ExtractorError, match="is in use"):
        remove_model(home, "mine")
    set_setting(home.settings, "extractor", "mobilenet")

    content = copy.read_bytes()
    copy.write_bytes(content + b"\0")
    with pytest.raises(
        ExtractorError, match=r"'mine' of mine.keras .* has changed since"
    ) as caught:
        load("mine")
    assert "photofind extractors add mine PATH" in caught.value.hint
    copy.unlink()
    with pytest.raises(ExtractorError, match=r"mine.keras cannot be read"):
        load("mine")
    copy.write_bytes(content)
    assert load("mine").version == extractor.version

    with pytest.raises(ExtractorError, match="2 outputs"):
        add_model(home, given("mine", models / "several.keras"))
    assert load("mine").version == extractor.version
    again = add_model(home, given("mine", models / "several.keras", layer="second"))
    assert [path.name for path in home.models.glob("mine-*/*")] == ["several.keras"]
    assert remove_model(home, "mine") == again.model
    assert "mine" not in {plugin.name for plugin in installed(home)}
    remove_model(home, "pooled")
    assert [*home.models.iterdir()] == []


def test_a_model_of_keras_applications_that_takes_any_size(models, home):
    added = add_model(home, given("small", models / "application.keras", input_size=(64, 96)))
    assert (added.engine, added.input_size, added.model.dimension) == ("LiteRT", (64, 96), 256)
    assert load("small").embed(photographs((64, 96))).shape == (8, 256)


def test_an_older_file_and_a_saved_model(models, home):
    older = add_model(home, given("older", models / "older.h5", preprocess="unit"))
    assert "legacy Keras format" in older.warnings[0]
    assert "class probabilities" in older.warnings[1]
    saved = add_model(home, given("saved", models / "saved", preprocess="unit"))
    assert saved.model.dimension == 4
    pictures = photographs((32, 32))
    np.testing.assert_allclose(
        load("saved").embed(pictures), load("older").embed(pictures), atol=1e-3
    )


def test_a_model_that_does_not_convert_runs_on_keras(models, home):
    added = add_model(home, given("unusual", models / "unusual.keras"))
    assert added.engine == "Keras"
    assert added.reason == "it cannot be converted: LiteRT has no operation Complex, FFT2D"
    assert "\n" not in added.reason
    with Extraction("unusual") as extraction:
        assert extraction.info().engine == "Keras"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("code.keras", {}, "has a Lambda layer: photofind does not run code from models"),
    ("code.h5", {}, "has a Lambda layer: photofind does not run code from models"),
    ("text.keras", {}, "text.keras does not hold a Keras model"),
    ("text.h5", {}, "text.h5 does not hold a Keras model"),
    ("picture.png", {}, "does not have the suffix of a Keras model"),
    ("nothing.keras", {}, "nothing.keras does not exist"),
    ("folder", {}, "is a folder without a saved_model.pb"),
    ("saved", {"layer": "features"}, "so its layers have no names"),
    ("several", {}, "2 outputs: output_0 (N, 30, 30, 3), output_1 (N, 4); choose one with"),
    ("several.keras", {}, "2 outputs: first (N, 30, 30, 3), second (N, 4); choose one with"),
    ("writes", {}, "read or write files, or run code: WriteFile; save"),
    ("reads", {}, "read or write files, or run code: ReadFile; save"),
    ("calls", {}, "read or write files, or run code: EagerPyFunc; save"),
    ("saves", {}, "read or write files, or run code: SaveV2; save"),
    ("prints", {}, "read or write files, or run code: PrintV2; save"),
    ("two.keras", {}, "has 2 inputs"),
    ("grey.keras", {}, "takes (N, 32, 32, 1)"),
    ("application.keras", {}, "pictures of any size; choose a size with --input 224x224"),
    ("own.keras", {}, "code that is not part of Keras: Own (of mine), Third; photofind does"),
    ("own.h5", {}, "code that is not part of Keras: Own (of mine); photofind does"),
    ("trained.keras", {"layer": "nose"}, "has no layer 'nose'; its last layers: "),
    ("trained.keras", {"input_size": (64, 64)}, "takes pictures of 32x32, not 64x64"),
]

# One process for all: importing TensorFlow takes longer than any of them.
BUILD_THEM = """
import json, sys
from photofind.errors import ExtractorError
from photofind.extractors.custom import build
for path, layer, input_size in json.loads(sys.argv[1]):
    try:
        build(path, layer, input_size)
    except ExtractorError as error:
        print(json.dumps(str(error)))
    else:
        print(json.dumps(None))
"""


@pytest.fixture(scope="module")
def reasons(models: Path) -> dict[tuple[str, str], str]:
    """Why what is in ``REFUSED`` is not built, by its file and options."""
    wanted = [
        (str(models / file), options.get("layer"), options.get("input_size"))
        for file, options, _ in REFUSED
    ]
    done = subprocess.run(
        [sys.executable, "-c", BUILD_THEM, json.dumps(wanted)],
        capture_output=True, text=True, check=True, timeout=patience(240), cwd=models,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        (file, str(options)): reason
        for (file, options, _), reason in zip(REFUSED, lines, strict=True)
    }


@pytest.mark.parametrize(("file", "options", "reason"), REFUSED)
def test_what_cannot_be_an_extractor_says_why_in_one_line(
    file: str, options: dict[str, Any], reason: str, reasons: dict[tuple[str, str], str]
) -> None:
    told = reasons[file, str(options)]
    assert reason in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("writes", "read or write files, or run code: WriteFile; save"),
        ("scalar.keras", "neither vectors nor feature maps"),
        ("constant.keras", "gives different pictures the same embedding"),
    ],
)
def test_nothing_is_left_of_what_is_refused(
    file: str, reason: str, models: Path, home: Home
) -> None:
    with pytest.raises(ExtractorError) as caught:
        add_model(home, given("odd", models / file))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list_models(home) == []
    assert [*home.models.glob("*")] == []
    assert not [*models.glob("written*")]


def test_one_output_of_a_saved_model_is_chosen(models, home):
    added = add_model(home, given("second", models / "several", layer="output_1"))
    assert added.model.dimension == 4


def test_names_are_words_and_taken_once(models, home):
    for name in ("mobilenet", "no name", ""):
        with pytest.raises(ExtractorError, match=r"is taken|cannot be the name"):
            add_model(home, given(name, models / "trained.keras"))
    with pytest.raises(ExtractorError, match="photofind plugins uninstall mobilenet"):
        remove_model(home, "mobilenet")
    with pytest.raises(ExtractorError, match="there is no extractor 'nobody'"):
        remove_model(home, "nobody")


def test_the_commands(models, home):
    path = str(models / "trained.keras")
    added = photofind(
        *("extractors", "add", "mine", path, "--layer", "features", "--preprocess", "unit"),
        timeout=patience(240),
    )
    assert added.code == 0, added.stderr
    assert "added mine: pictures of 32x32, 24 numbers each, runs on LiteRT" in added.notes
    info = photofind_here("extractors", "info", "mine", "--json").json
    assert (info["dimension"], info["engine"]) == (24, "LiteRT")
    assert info["target"].endswith("/trained.keras")
    again = photofind_here("extractors", "add", "mine", path)
    assert again.code == 2
    assert "there is an extractor mine already, of trained.keras: give --yes" in again.notes[-1]
    assert photofind_here("extractors", "info", "nobody").code == 1
    checked = photofind_here("extractors", "check", "mine", "--json")
    assert checked.code == 0, checked.stdout
    assert {result["state"] for result in checked.json["results"]} == {"kept", "skipped"}
    assert json.loads(json.dumps(checked.json["figures"]))["dimension"] == 24
    assert photofind_here("extractors", "remove", "mine").code == 0
    wrong = photofind_here("extractors", "add", "mine", path, "--input", "large")
    assert wrong.code == 2
    missing = photofind_here("extractors", "add", "mine", "/nowhere/model.keras")
    assert (missing.code, missing.notes[0]) == (1, "photofind: /nowhere/model.keras does not exist")


def test_the_network_of_the_authors_guide_keeps_its_promises(tmp_path):
    page = (Path(__file__).parents[2] / "docs/develop/add-an-extractor.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n# an extractor on a network\n(.*?)```", page, re.DOTALL)
    (tmp_path / "tiny_example.py").write_text(example)
    program = (
        "from photofind.testing import check_extractor\n"
        "from tiny_example import Tiny\n"
        "check_extractor(Tiny)\n"
        "print(Tiny()._network.verdict.engine)\n"
    )
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "LiteRT"
