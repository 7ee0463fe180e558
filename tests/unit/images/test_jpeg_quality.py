"""The quality of a JPEG, told from its tables."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from photofind.images.jpeg_quality import jpeg_quality


def jpeg(quality: int, **options: object) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 98])
def test_the_quality_that_it_was_saved_with(quality: int) -> None:
    assert jpeg_quality(io.BytesIO(jpeg(quality))) == pytest.approx(quality, abs=1)
    behind_exif = jpeg(quality, exif=b"Exif\0\0" + bytes(60_000))
    assert jpeg_quality(io.BytesIO(behind_exif)) == pytest.approx(quality, abs=1)


def test_what_does_not_say() -> None:
    whole = jpeg(50)
    table = whole.index(b"\xff\xdb")
    for data in (
        b"",
        b"\x89PNG",
        whole[: table + 9],
        whole[:3],
        b"\xff\xd8" + b"\xff\xe0\0\0" * 900,
    ):
        assert jpeg_quality(io.BytesIO(data)) is None
