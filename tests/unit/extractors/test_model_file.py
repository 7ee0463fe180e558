"""The file of a Keras model is looked at before Keras opens it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from photofind.errors import ExtractorError
from photofind.extractors.model_file import check_model_file, memory_for

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "lambda", "units": 2}}


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [DENSE, *layers]}}


@pytest.fixture
def saved(tmp_path: Path):
    """Return a function that saves a configuration as a model of Keras."""

    def save(config: object, **parts: bytes) -> Path:
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", json.dumps(config))
            for name, content in parts.items():
                archive.writestr(f"{name}.h5", content)
        return path

    return save


def test_a_model_without_code_is_accepted(saved):
    check_model_file(saved(model(DENSE), weights=bytes(10_000_000)), "keras")


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Lambda", "config": {}},
        {"class_name": "lambda", "config": {}},
        {"class_name": "keras.layers.Lambda", "config": {}},
        {"class_name": "Custom>Lambda", "config": {}},
        {"class_name": "Dense", "registered_name": "keras>Lambda", "config": {}},
        {"class_name": "Dense", "registered_name": "Package>LAMBDA ", "config": {}},
        {"class_name": "X", "module": "keras.src.layers.core.lambda_layer", "config": {}},
        {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Lambda"}}},
        {"class_name": "Dense", "config": {"activation": {"class_name": "__lambda__"}}},
        {"class_name": "function", "module": "keras.layers", "config": "Lambda"},
        {"class_name": "TFSMLayer", "config": {"filepath": "/tmp/x"}},
        {"class_name": "Torch_Module_Wrapper", "config": {}},
    ],
)
def test_code_is_found_under_any_spelling(saved, layer):
    with pytest.raises(ExtractorError, match="does not run code from models"):
        check_model_file(saved(model(model(layer))), "keras")


def test_sizes_are_looked_at_before_anything_is_unpacked(saved, monkeypatch):
    for config, weights in ((model(), bytes(100_000_000)), (["x" * (40 << 20)], b"")):
        path = saved(config, weights=weights)
        with monkeypatch.context() as patch:
            patch.setattr(zipfile.ZipFile, "open", None)
            with pytest.raises(ExtractorError, match=r"unpacks to \d+,\d+,\d+ bytes"):
                check_model_file(path, "keras")


def test_a_size_that_is_not_true_is_an_error(saved):
    path = saved(["x" * (40 << 20)])
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        true = archive.getinfo("config.json").file_size.to_bytes(4, "little")
    path.write_bytes(data.replace(true, (1000).to_bytes(4, "little")))
    with pytest.raises(ExtractorError, match="does not hold a Keras model"):
        check_model_file(path, "keras")


@pytest.mark.parametrize("config", [b"[" * 200_000, b"\xff\xfe", b"", b"no JSON"])
def test_what_is_no_configuration_is_an_error(tmp_path: Path, config):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
    with pytest.raises(ExtractorError, match="does not hold a Keras model"):
        check_model_file(path, "keras")


def test_the_memory_for_a_model_grows_with_its_files(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(1000))
    (tmp_path / "b").write_bytes(bytes(1000))
    assert memory_for(tmp_path) - memory_for(tmp_path / "a") == 8000
    assert memory_for(tmp_path / "a") > 4e9
