"""Pictures of an explanation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sample_photos import jpeg, scene
from test_explanation_in_words import PLAIN

from photofind.errors import LibraryError
from photofind.learning.explanation.overlays import is_overlay, overlay, write_overlays
from photofind.learning.explanation.sentence import in_words
from photofind.model import CellWeights


def test_what_carries_the_most_stays_bright_and_the_rest_gets_dark():
    cells = CellWeights(2, 2, (0.4, 0.0, -0.1, 0.0), (0,), 1.0, ())
    photo = Image.new("RGB", (200, 100), (200, 200, 200))
    shown = np.asarray(overlay(photo, cells).convert("L")).astype(int)
    assert shown.shape == (100, 200)
    assert shown[10:15, 10:20].mean() > 1.5 * shown[85:90, 180:190].mean()
    # The outline of the first quarter is dark and light.
    edge = shown[25, 90:110]
    assert edge.min() < 20
    assert edge.max() > 190


def test_both_photos_are_drawn_side_by_side(tmp_path):
    path = tmp_path / "why.png"
    photos = jpeg(scene(300, 200)), jpeg(scene(100, 400))
    write_overlays(path, *photos, in_words(replace(PLAIN, parts=PLAIN.parts * 2)))
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 760
        assert picture.height > 600
        assert "What they share lies" in picture.info["Description"]
    assert is_overlay(path)
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(8, 8)).save(photo)
    assert not is_overlay(photo)
    photo.write_text("no picture")
    assert not is_overlay(photo)


def test_without_regions_nothing_is_drawn(tmp_path):
    part = replace(PLAIN.parts[0], query=None, hit=None, note="regions are not available: so")
    photo = jpeg(scene(30, 20))
    with pytest.raises(LibraryError, match="no picture can be drawn: regions are not available"):
        write_overlays(tmp_path / "why.png", photo, photo, replace(PLAIN, parts=(part,)))
    assert not [*tmp_path.iterdir()]
