"""Crops of a photo are embedded beside the whole, into a space of their own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photofind.app.photofind import PhotoFind
from photofind.errors import SettingsError
from photofind.extractors.extraction import Extraction
from photofind.extractors.registry import installed
from photofind.model import Query
from photofind.paths import Home
from photofind.settings import set_setting

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=os.pathsep)


@pytest.fixture
def framed(tmp_path: Path) -> str:
    """Make a photo of red with a blue frame, twice as wide as high."""
    photo = Image.new("RGB", (800, 400), (0, 0, 200))
    photo.paste((200, 0, 0), (120, 60, 680, 340))
    photo.save(tmp_path / "framed.png")
    return str(tmp_path / "framed.png")


def test_crops_count_beside_the_whole(framed: str) -> None:
    with Extraction("panorama") as whole, Extraction("panorama", views="crops") as crops:
        assert (whole.info().version, crops.info().version) == ("1", "1+crops")
        (one,), (other,) = whole.extract([framed]), crops.extract([framed])
        laid = crops.extract_views(framed, turned=True)
        part = crops.extract_views(framed, box=(0.2, 0.2, 0.6, 0.6))
    assert one.vector is not None
    assert other.vector is not None
    # Red and blue, as shares of the two: the centre has more red, and the corners too.
    red, other_red = (v[0] / (v[0] + v[2]) for v in (one.vector, other.vector))
    assert other_red > red + 0.02
    # The proportions of the whole, whatever is embedded.
    for vector in (one.vector, other.vector):
        assert vector[3] / (vector[0] + vector[2]) == pytest.approx(2 / (200 / 255), rel=0.02)
    assert (other.width, other.height) == (800, 400)
    assert laid.vector is not None
    np.testing.assert_allclose(laid.vector[0], other.vector, atol=1e-6)
    proportions = laid.vector[:, 3] / (laid.vector[:, 0] + laid.vector[:, 2]) * (200 / 255)
    assert sorted(np.round(proportions, 1)) == [0.5] * 4 + [2] * 4
    assert part.vector is not None
    assert part.vector[0, 2] == pytest.approx(0, abs=1e-3)


def test_the_setting_begins_a_space_of_its_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The others that are installed would only take time to be tried.
    monkeypatch.setattr(
        "photofind.app.extractors.installed",
        lambda home: [one for one in installed(home) if one.name == "mean-colour"],
    )
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(6):
        Image.new("RGB", (60, 40), (200, 40 * place, 9)).save(folder / f"{place}.png")
    set_setting(home.settings, "extractor", "mean-colour")
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(folder))
        photofind.index()
        with pytest.raises(SettingsError, match="views cannot be 'quarters'"):
            photofind.set_setting("views", "quarters")
        photofind.set_setting("views", "crops")
        assert photofind.index().failed == 0
        photo = photofind.photo(str(folder / "2.png"))
        # The other one was complete until then, and is outdated now.
        assert photo.spaces == ("mean-colour@1+crops",)
        outside = Image.new("RGB", (60, 40), (200, 81, 9))
        outside.save(tmp_path / "outside.png")
        answer = photofind.similar(Query((str(tmp_path / "outside.png"),), every=True))
        assert Path(answer.hits[0].path).name == "2.png"
        (listed,) = photofind.extractors()
        assert listed.version == "1+crops"
