"""What is retouched looks different; what is saved again, rescaled or turned does not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from skimage import data

from photofind.images.look import is_retouched, look_of

PHOTO = Image.fromarray(data.astronaut())


def look(photo: Image.Image, quality: int = 92) -> np.ndarray:
    file = io.BytesIO()
    photo.convert("RGB").save(file, "JPEG", quality=quality)
    saved = Image.open(file)
    return look_of(np.asarray(saved.resize((384, 384), Image.Resampling.BOX)), max(saved.size))


@pytest.mark.parametrize(
    "edited",
    [
        ImageEnhance.Brightness(PHOTO).enhance(1.3),
        ImageEnhance.Contrast(PHOTO).enhance(0.6),
        ImageEnhance.Color(PHOTO).enhance(1.8),
        PHOTO.convert("L"),
        PHOTO.filter(ImageFilter.GaussianBlur(2)),
        PHOTO.filter(ImageFilter.UnsharpMask(2, 150)),
    ],
)
def test_retouched(edited: Image.Image) -> None:
    assert is_retouched(look(PHOTO), look(edited))


def test_not_retouched() -> None:
    for edited in (
        PHOTO.resize((256, 256)),
        ImageOps.mirror(PHOTO),
        PHOTO.transpose(Image.Transpose.ROTATE_90),
    ):
        assert not is_retouched(look(PHOTO), look(edited))
    assert not is_retouched(look(PHOTO), look(PHOTO, quality=20))
