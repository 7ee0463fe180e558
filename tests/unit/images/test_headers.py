"""Formats with a short signature are told from text by their headers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from photofind.images import containers  # noqa: F401 - Pillow knows HEIF then.
from photofind.images.headers import HEADER_BYTES, has_sound_header


def is_sound(format_name: str, data: bytes) -> bool:
    return has_sound_header(format_name, data[:HEADER_BYTES], len(data))


def encoded(mode: str, format_name: str, side: int = 40, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (side, side + 3)).save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("format_name", "data"),
    [
        *((kind, encoded("RGB", kind)) for kind in ("BMP", "PPM", "WEBP", "AVIF", "HEIF", "PNG")),
        *(("BMP", encoded(mode, "BMP")) for mode in ("1", "L", "P", "RGBA")),
        *(("PPM", encoded(mode, "PPM")) for mode in ("1", "L", "I", "F")),
        ("PPM", b"P3\n# by hand\n2 1\n255\n1 2 3 4 5 6\n"),
        ("PPM", b"P1 2 2\n10 01\n"),
        ("PPM", b"P5\n#a\n#b\n 3 1 # c\n65535\n" + bytes(6)),
        ("PPM", b"P6 1 1 255\n" + bytes(3) + b"\n"),
        ("BMP", b"BM" + bytes(8) + b"\x1a\0\0\0\x0c\0\0\0\1\0\1\0\1\0\x18\0" + bytes(4)),
    ],
)
def test_pictures_are_sound(format_name, data):
    assert is_sound(format_name, data)


@pytest.mark.parametrize(
    ("format_name", "data"),
    [
        ("PPM", b"P6 is the name of the plan, and these are its secrets"),
        ("PPM", b"P3 = secret\n"),
        ("PPM", b"P1 2 2\n10 01\npassword"),
        ("PPM", b"P6 1 1 255\n" + 5000 * b"secret"),
        ("PPM", b"P6 100 100 255\nshort"),
        ("PPM", b"P6 0 0 255\n"),
        ("PPM", b"P4"),
        ("PPM", b""),
        ("BMP", b"BM = secret, and a text that is long enough to hold a whole header of a bitmap"),
        ("BMP", b"BMW"),
        ("BMP", encoded("RGB", "BMP")[:60].replace(b"\x18\0", b"\x19\0")),
        ("BMP", encoded("RGB", "BMP")[:40]),
        ("WEBP", b"My text WEBP"),
        ("HEIF", b"Textftypheic"),
    ],
)
def test_text_is_not(format_name, data):
    assert not is_sound(format_name, data)


def test_any_header_is_answered():
    generator = np.random.default_rng(1)
    for start in (b"BM", b"P6 1 1 255 ", b"P4 9", b"P2 1 1 9\n"):
        for length in range(80):
            assert is_sound("PPM", start + generator.bytes(length)) in (True, False)
            assert is_sound("BMP", start + generator.bytes(length)) in (True, False)
