"""Fingerprints of real photos and of documents, edited and turned."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps
from skimage import data

from photofind.images.decode import decode
from photofind.ranking.fingerprints import SAME, Fingerprints, near_pairs

PHOTOS = [data.chelsea(), data.coffee(), data.astronaut(), data.rocket()]
EDITS: list[Callable[[Image.Image], Image.Image]] = [
    lambda photo: photo.resize((photo.width // 2, photo.height // 2)),
    lambda photo: ImageEnhance.Brightness(photo).enhance(1.3),
    lambda photo: ImageEnhance.Contrast(photo).enhance(0.6),
    lambda photo: photo.convert("L").convert("RGB"),
    lambda photo: photo.filter(ImageFilter.GaussianBlur(2)),
    ImageOps.mirror,
    ImageOps.flip,
    *[lambda photo, turn=turn: photo.transpose(turn) for turn in Image.Transpose],
]


def fingerprint(picture: Image.Image, *, size: int = 224, quality: int = 90) -> str | None:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return decode(file.getvalue(), (size, size)).fingerprint


def letter(number: int) -> Image.Image:
    """Return a page of text, different for each number."""
    words = random.Random(number)
    page = Image.new("RGB", (620, 877), "white")
    font = ImageFont.load_default(14)
    for line in range(35):
        text = "".join(words.choice("abcdefghij klmnop qrstuv wxyz") for _ in range(70))
        ImageDraw.Draw(page).text((50, 50 + 22 * line), text, "black", font)
    return page


def test_edited_and_turned_copies_have_nearly_the_fingerprint_of_the_photo() -> None:
    for pixels in PHOTOS:
        photo = Image.fromarray(pixels)
        copies = [fingerprint(edit(photo)) for edit in EDITS] + [fingerprint(photo, quality=20)]
        prints = Fingerprints([fingerprint(photo), *copies])
        assert prints.sufficient.all()
        assert near_pairs(prints).lefts.tolist().count(0) == len(copies)


def test_how_a_copy_is_turned_is_told() -> None:
    photo = Image.fromarray(PHOTOS[0])
    turned = [photo.rotate(90 * turns, expand=True) for turns in range(4)]
    copies = [*turned, *map(ImageOps.mirror, turned)]
    prints = Fingerprints([fingerprint(copy) for copy in copies])
    places = np.arange(8)
    # As they are turned, a quarter turn four times, and mirrored: four turns lead back.
    distances, turns = prints.distances(np.zeros(8, np.int64), places)
    assert distances.max() <= 3
    assert turns.tolist() == [0, 1, 2, 3, 4, 7, 6, 5]


def test_different_photos_and_documents_are_never_the_same() -> None:
    photos = [fingerprint(Image.fromarray(pixels)) for pixels in PHOTOS]
    letters = [fingerprint(letter(number)) for number in range(40)]
    assert not len(near_pairs(Fingerprints([*photos, *letters])).lefts)


def test_nearly_blank_pictures_have_no_fingerprint_that_counts() -> None:
    noise = np.random.default_rng(1).normal(120, 3, (300, 400, 3)).clip(0, 255).astype(np.uint8)
    one = fingerprint(Image.fromarray(noise))
    prints = Fingerprints([one, one, fingerprint(Image.new("RGB", (300, 200), "white"))])
    assert not prints.sufficient.any()
    assert not len(near_pairs(prints).lefts)


@pytest.mark.parametrize("size", [32, 96, 299])
def test_it_does_not_depend_on_what_the_extractor_takes(size: int) -> None:
    for picture in (Image.fromarray(PHOTOS[1]), letter(1)):
        prints = Fingerprints([fingerprint(picture), fingerprint(picture, size=size)])
        (distance,), _ = prints.distances(np.array([0]), np.array([1]))
        assert distance < SAME / 2
