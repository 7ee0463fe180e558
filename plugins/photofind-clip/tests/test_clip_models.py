"""A model is read and checked; one that cannot be used is one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import two_towers
from photofind_clip import Clip
from photofind_clip.model import MODEL_VARIABLE
from two_towers import onnx

from photofind.errors import ExtractorError
from photofind.extractors.code_files import stamp
from photofind.extractors.registry import load
from photofind.testing import ExtractorChecks


class TestClip(ExtractorChecks):
    extractor = "clip"


def test_nothing_is_reported_to_anybody(towers, tmp_path):
    """ONNX Runtime keeps its reports in the user's cache before it sends them."""
    script = "from photofind_clip import Clip; assert Clip().embed_text(['a']).shape == (1, 24)"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert not [*tmp_path.iterdir()]


def test_without_weights_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path))
    with pytest.raises(ExtractorError) as caught:
        load("clip")
    assert "cannot be loaded: it has no weights: there is no vision_model.onnx in" in str(
        caught.value
    )
    assert "python -m photofind_clip add FOLDER" in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("library", "package"),
    [("tokenizers", "photofind-clip"), ("onnxruntime", "'photofind-clip[onnx]'")],
)
def test_a_missing_library_is_one_line(monkeypatch, library, package):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtractorError, match="which is not installed") as caught:
        load("clip").embed_text(["a red"])
    assert f"`photofind plugins install {package}`" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text_model.onnx", None, "its model is incomplete: there is no text_model.onnx"),
        ("vision_model.onnx", b"", "vision_model.onnx is no ONNX network"),
        ("vision_model.onnx", b"PK\3\4 an archive", "vision_model.onnx is no ONNX network"),
        ("preprocessor_config.json", b"[1]", "preprocessor_config.json cannot be read"),
        ("preprocessor_config.json", b"{", "preprocessor_config.json cannot be read"),
        ("preprocessor_config.json", b'{"size": "big"}', "does not say how pictures are prepared"),
        ("preprocessor_config.json", b'{"size": 9, "image_mean": 1}', "does not say how pictures"),
        (
            "preprocessor_config.json",
            b'{"size": 9, "image_std": [1, 1, 1], "image_mean": [0, 0, 1%s]}' % (b"0" * 400),
            "does not say how pictures",
        ),
    ],
)
def test_a_damaged_model_is_one_line(copied, name, content, reason):
    (copied / name).unlink()
    if content is not None:
        (copied / name).write_bytes(content)
    with pytest.raises(ExtractorError, match=reason) as caught:
        load("clip")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_cut_off_network_is_one_line(copied):
    file = copied / "vision_model.onnx"
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx is no ONNX network"):
        load("clip")


def test_networks_of_another_kind_are_named(copied, towers):
    shutil.copyfile(towers / "vision_model.onnx", copied / "text_model.onnx")
    with pytest.raises(ExtractorError, match=r"text_model\.onnx takes pictures, not texts"):
        load("clip")
    shutil.copyfile(towers / "text_model.onnx", copied / "vision_model.onnx")
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx does not take pictures"):
        load("clip")


def test_a_text_network_that_wants_more_than_tokens_is_refused(copied):
    network = onnx.load(copied / "text_model.onnx")
    network.graph.input.append(network.graph.input[0])
    network.graph.input[-1].name = "token_type_ids"
    onnx.save(network, copied / "text_model.onnx")
    with pytest.raises(ExtractorError, match=r"text_model\.onnx takes token_type_ids too"):
        load("clip")


def test_a_mask_may_be_of_truth_values(copied):
    before = load("clip").embed_text(["a red"])
    network = onnx.load(copied / "text_model.onnx")
    (mask,) = (one for one in network.graph.input if one.name == "attention_mask")
    mask.type.tensor_type.elem_type = onnx.TensorProto.BOOL
    onnx.save(network, copied / "text_model.onnx")
    assert np.allclose(load("clip").embed_text(["a red"]), before)


def test_towers_of_two_models_are_no_pair(copied):
    weights = two_towers.train(steps=1)
    weights["v2"] = np.concatenate([weights["v2"]] * 2, axis=1)
    other = two_towers.write(copied.parent / "other", weights)
    network = onnx.load(other / "vision_model.onnx")
    network.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2 * two_towers.DIMENSION
    onnx.save(network, copied / "vision_model.onnx")
    with pytest.raises(ExtractorError, match=r"48 numbers and text_model\.onnx 24: they are no"):
        load("clip")


@pytest.mark.parametrize("within", ["initializer", "constant", "function"])
def test_weights_in_other_files_are_refused(copied, within):
    (copied.parent / "secret").write_bytes(bytes(1024))
    network = onnx.load(copied / "vision_model.onnx")
    if within == "initializer":
        tensor = network.graph.initializer[0]
    else:
        if within == "constant":
            attributes = network.graph.node.add(op_type="Constant", output=["unused"]).attribute
        else:
            attributes = network.functions.add(name="unused", domain="here").attribute_proto
        tensor = attributes.add(name="value", type=onnx.AttributeProto.TENSOR).t
        tensor.CopyFrom(network.graph.initializer[0])
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    (copied / "vision_model.onnx").write_bytes(network.SerializeToString())
    with pytest.raises(ExtractorError, match="keeps weights in other files"):
        load("clip")


def test_a_field_that_others_read_as_another_is_refused(copied):
    """Its number has more bits than Protocol Buffers look at."""
    field = (13 << 3 | 2) | 1 << 32
    tag = bytes(field >> shift & 0x7F | 0x80 for shift in range(0, 28, 7)) + bytes([field >> 28])
    with (copied / "vision_model.onnx").open("ab") as file:
        file.write(tag + b"\0")
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx is no ONNX network"):
        load("clip")


def test_another_model_is_another_version(copied):
    before = load("clip").version
    settings = json.loads((copied / "preprocessor_config.json").read_text())
    settings["image_mean"] = [0.5, 0.5, 0.5]
    (copied / "preprocessor_config.json").write_text(json.dumps(settings))
    assert load("clip").version != before


@pytest.mark.parametrize(
    ("name", "more"), [("text_model.onnx", b"\x32\1x"), ("tokenizer.json", b"\n")]
)
def test_a_model_that_is_replaced_later_is_noticed_and_not_used(copied, name, more):
    loaded, other = load("clip"), load("clip")
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content)
    assert not loaded.build.endswith(stamp(map(Path, loaded.code)))
    loaded.embed_text(["a red"])  # It is the same.
    (copied / name).write_bytes(content + more)
    with pytest.raises(ExtractorError, match="its model was replaced after it was loaded"):
        other.embed_text(["a red"])


def test_a_model_need_not_declare_its_dimension(copied):
    for name in ("vision_model.onnx", "text_model.onnx"):
        network = onnx.load(copied / name)
        network.graph.output[0].type.tensor_type.ClearField("shape")
        onnx.save(network, copied / name)
    extractor = Clip()
    assert extractor.dimension == two_towers.DIMENSION
    extractor.threads = 2
    assert extractor._vision.get_session_options().intra_op_num_threads == 2
