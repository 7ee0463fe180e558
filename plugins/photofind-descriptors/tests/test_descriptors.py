"""The descriptors follow the protocol and depend on what they are named after."""

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


def cosine(extractor, picture, other) -> float:
    first, second = extractor.embed(np.stack([picture, other]))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def photograph(name, size):
    return photographs(size)[PHOTOGRAPHS.index(name)]


def stripes(width, size, across=False):
    pattern = (np.arange(size) // width % 2 * 255).astype(np.uint8)
    picture = np.broadcast_to(pattern[:, np.newaxis] if across else pattern, (size, size))
    return np.repeat(picture[..., np.newaxis], 3, axis=2)


def test_all_four_are_installed():
    found = {p.name for p in installed() if p.distribution == "photofind-descriptors"}
    assert found == {"colour", "texture", "shape", "words"}


def test_colour_ignores_small_shifts():
    extractor = Colour()
    coffee = photograph("coffee", (128, 128))
    assert cosine(extractor, coffee, coffee[:, ::-1]) > 0.999
    assert cosine(extractor, coffee, coffee[..., ::-1]) < 0.5
    red, blue = np.zeros((2, 128, 128, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    assert cosine(extractor, red, blue) == 0


def test_colour_distinguishes_top_from_bottom():
    flag = np.zeros((128, 128, 3), np.uint8)
    flag[:64, :, 2], flag[64:, :, 1] = 255, 255
    assert cosine(Colour(), flag, flag[::-1]) < 0.6


def test_texture_depends_on_widths_not_on_positions():
    extractor = Texture()
    narrow, wide = stripes(2, 128), stripes(16, 128)
    assert cosine(extractor, narrow, np.roll(narrow, 1, axis=1)) > 0.99
    assert cosine(extractor, narrow, wide) < 0.9
    grass, coffee = (photograph(name, (256, 256)) for name in ("grass", "coffee"))
    parts = grass[:128, :128], grass[128:, 128:]
    assert cosine(extractor, *parts) > 0.98 > cosine(extractor, parts[0], coffee[:128, :128])


def test_shape_depends_on_directions_not_on_colours():
    extractor = Shape()
    upright = stripes(16, 128)
    assert cosine(extractor, upright, 255 - upright) > 0.99
    assert cosine(extractor, upright, stripes(16, 128, across=True)) < 0.2


def test_words_ignore_positions():
    extractor = Words()
    astronaut = photograph("astronaut", (256, 256))
    moved = np.roll(astronaut, 40, axis=1)
    other = photograph("chelsea", (256, 256))
    assert cosine(extractor, astronaut, moved) > cosine(extractor, astronaut, other) + 0.1


def test_a_picture_without_features_is_similar_to_nothing():
    assert len(root_sift(np.full((256, 256, 3), 90, np.uint8))) == 0
    assert not Words().embed(np.full((1, 256, 256, 3), 90, np.uint8)).any()


@pytest.mark.parametrize("kind", [Colour, Texture, Shape, Words])
def test_they_cite_their_sources(kind):
    assert ".. [1]" in kind.__doc__
