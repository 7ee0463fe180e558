"""Each descriptor keeps the protocol, and looks at what it is named for."""

from __future__ import annotations

import numpy as np
import pytest
from photofind_descriptors import Colour, Shape, Texture, Words
from photofind_descriptors.words import root_sift

from photofind.extractors.registry import installed
from photofind.extractors.samples import PHOTOGRAPHS, photographs
from photofind.testing import ExtractorChecks


class TestColour(ExtractorChecks):
    extractor = "colour"


class TestTexture(ExtractorChecks):
    extractor = "texture"


class TestShape(ExtractorChecks):
    extractor = "shape"


class TestWords(ExtractorChecks):
    extractor = "words"


def likeness(extractor, one, other) -> float:
    first, second = extractor.embed(np.stack([one, other]))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def photograph(name, size):
    return photographs(size)[PHOTOGRAPHS.index(name)]


def stripes(width, size, across=False):
    pattern = (np.arange(size) // width % 2 * 255).astype(np.uint8)
    picture = np.broadcast_to(pattern[:, np.newaxis] if across else pattern, (size, size))
    return np.repeat(picture[..., np.newaxis], 3, axis=2)


def test_all_four_are_found():
    found = {p.name for p in installed() if p.distribution == "photofind-descriptors"}
    assert found == {"colour", "texture", "shape", "words"}


def test_colour_does_not_care_where_small_things_are():
    extractor = Colour()
    coffee = photograph("coffee", (128, 128))
    assert likeness(extractor, coffee, coffee[:, ::-1]) > 0.999
    assert likeness(extractor, coffee, coffee[..., ::-1]) < 0.5
    red, blue = np.zeros((2, 128, 128, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    assert likeness(extractor, red, blue) == 0


def test_colour_knows_above_from_below():
    flag = np.zeros((128, 128, 3), np.uint8)
    flag[:64, :, 2], flag[64:, :, 1] = 255, 255
    assert likeness(Colour(), flag, flag[::-1]) < 0.6


def test_texture_cares_for_widths_and_not_for_places():
    extractor = Texture()
    narrow, wide = stripes(2, 128), stripes(16, 128)
    assert likeness(extractor, narrow, np.roll(narrow, 1, axis=1)) > 0.99
    assert likeness(extractor, narrow, wide) < 0.9
    grass, coffee = (photograph(name, (256, 256)) for name in ("grass", "coffee"))
    parts = grass[:128, :128], grass[128:, 128:]
    assert likeness(extractor, *parts) > 0.98 > likeness(extractor, parts[0], coffee[:128, :128])


def test_shape_cares_for_directions_and_not_for_colours():
    extractor = Shape()
    upright = stripes(16, 128)
    assert likeness(extractor, upright, 255 - upright) > 0.99
    assert likeness(extractor, upright, stripes(16, 128, across=True)) < 0.2


def test_words_do_not_care_where_things_are():
    extractor = Words()
    astronaut = photograph("astronaut", (256, 256))
    moved = np.roll(astronaut, 40, axis=1)
    other = photograph("chelsea", (256, 256))
    assert likeness(extractor, astronaut, moved) > likeness(extractor, astronaut, other) + 0.1


def test_a_picture_without_details_is_like_nothing():
    assert len(root_sift(np.full((256, 256, 3), 90, np.uint8))) == 0
    assert not Words().embed(np.full((1, 256, 256, 3), 90, np.uint8)).any()


@pytest.mark.parametrize("kind", [Colour, Texture, Shape, Words])
def test_they_cite_their_sources(kind):
    assert ".. [1]" in kind.__doc__
