"""Edited copies of photos and documents laid on their originals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from photofind.images.alignment import SIDE, Features, align
from tests.unit.images.test_fingerprint import letter

PHOTOS = [Image.fromarray(pixels) for pixels in (data.chelsea(), data.coffee(), data.astronaut())]


def features(picture: Image.Image) -> Features:
    small = ImageOps.contain(picture.convert("L"), (SIDE, SIDE))
    return Features(np.array(small))


def cropped(photo: Image.Image) -> Image.Image:
    width, height = photo.size
    return photo.crop((0.15 * width, 0.15 * height, 0.85 * width, 0.85 * height))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "cropped": cropped,
    "bordered": lambda photo: ImageOps.expand(photo, photo.width // 20, "white"),
    "turned": lambda photo: photo.rotate(10, Image.Resampling.BICUBIC),
    "mirrored and cropped": lambda photo: cropped(ImageOps.mirror(photo)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_lies_on_its_original(edit: str) -> None:
    for picture in (*PHOTOS, letter(3)):
        found = align(features(picture), features(EDITS[edit](picture)))
        assert found.share >= 0.9
        assert found.mirrored == ("mirrored" in edit)
        assert (abs(found.angle) > 5) == (edit == "turned")
        if "cropped" in edit:
            assert 0.4 < found.first < 0.6
            assert found.second > 0.97
        if edit == "bordered":
            assert found.first > 0.97
            assert 0.75 < found.second < 0.95


def test_different_photos_and_documents_do_not_lie_on_each_other() -> None:
    pictures = [features(picture) for picture in (*PHOTOS, *map(letter, range(5)))]
    pictures.append(Features(np.full((SIDE, SIDE), 200, np.uint8)))
    for place, one in enumerate(pictures):
        for other in pictures[place + 1 :]:
            assert align(one, other).share < 0.5
