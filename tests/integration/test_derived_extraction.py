"""Derived extractors in their workers: photos go through the bases, their embeddings through it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photofind.errors import ExtractorError, OtherBuildError
from photofind.extractors.derived import DerivableExtraction
from photofind.extractors.extraction import Extraction

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=os.pathsep)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two photos of one colour each, and what is none."""
    folder = tmp_path_factory.mktemp("photos")
    Image.new("RGB", (60, 40), (9, 30, 40)).save(folder / "blue.png")
    Image.new("RGB", (60, 40), (9, 120, 50)).save(folder / "green.png")
    (folder / "text.jpg").write_text("no photo")
    return [str(folder / name) for name in ("blue.png", "green.png", "text.jpg")]


def test_photos_are_embedded_by_the_base_and_then_by_it(photos):
    with DerivableExtraction("derived") as extraction:
        info = extraction.info()
        blue, green, text = extraction.extract(photos)
    assert (info.version, info.dimension, info.derives_from) == ("2+1", 2, ("mean-colour",))
    np.testing.assert_allclose(blue.vector, (0.6, 0.8), atol=1e-3)
    np.testing.assert_allclose(green.vector, np.array((12, 5)) / 13, atol=1e-3)
    assert (blue.width, text.vector) == (60, None)
    assert text.failure is not None
    assert {photo.made_by for photo in (blue, green, text)} == {info.identity}


def test_stored_embeddings_go_to_it_alone(photos):
    with DerivableExtraction("derived-from-both") as extraction:
        assert extraction.info().version == "2+1+1"
        of_photos = extraction.extract(photos[:2])
        with Extraction("mean-colour") as base:
            stored = np.stack([photo.vector for photo in base.extract(photos[:2])])
        vectors = extraction.embed_embeddings(stored, stored)
    np.testing.assert_allclose(vectors, [photo.vector for photo in of_photos], atol=1e-6)


def test_what_another_build_makes_is_told_apart(photos, tmp_path, monkeypatch):
    """Its worker, and then that of its base, loads another build when it starts again."""
    for name in ("plugins_for_tests.py", "plugins_for_tests-1.0.dist-info"):
        copy = shutil.copytree if (PLUGINS / name).is_dir() else shutil.copy
        copy(PLUGINS / name, tmp_path / name)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        Extraction("mean-colour") as base,
        DerivableExtraction("derived", bases=lambda name: base) as extraction,
    ):
        info = extraction.info()
        with (tmp_path / "plugins_for_tests.py").open("a") as file:
            file.write("# Another build.\n")
        base.close()
        assert info.identity not in {photo.made_by for photo in extraction.extract(photos)}
        extraction.close()
        with pytest.raises(OtherBuildError, match="'derived' is not what it was"):
            extraction.embed_embeddings(np.ones((1, 3), np.float32))
        assert extraction.info().build != info.build
        extraction.embed_embeddings(np.ones((1, 3), np.float32))


def test_views_of_a_photo_are_embedded(photos):
    with DerivableExtraction("derived") as extraction:
        extraction.info()
        views = extraction.extract_views(photos[0], turned=True).vector
    np.testing.assert_allclose(views, np.tile((0.6, 0.8), (8, 1)), atol=1e-3)


def test_its_bases_may_be_shared(photos):
    with (
        Extraction("mean-colour") as base,
        DerivableExtraction("derived", bases=lambda name: base) as extraction,
    ):
        extraction.info()
        extraction.extract(photos)
        extraction.close()
        assert base.pid is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("derived-from-old", "it is made for version 0 of mean-colour, and 1 is installed"),
        ("derived-twice", "it derives from derived, which is derived itself"),
        ("derived-from-nothing", "it derives from gone: .*there is no extractor 'gone'"),
        ("headless", "it has no method embed_embeddings"),
        ("derived-from-itself", "has a name twice, or its own"),
        ("derived-wrongly", "failed: ValueError"),
    ],
)
def test_one_that_cannot_work_is_refused_with_the_reason(name, reason):
    with DerivableExtraction(name) as extraction, pytest.raises(ExtractorError, match=reason):
        extraction.info()
