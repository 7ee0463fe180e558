"""Photos for tests, with orientations and embedded thumbnails as cameras write them."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

__all__ = ["ORIENTATION", "STORED", "difference", "exif", "jpeg", "scene"]

ORIENTATION = 274
"""The EXIF tag."""

STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored in each EXIF orientation."""


def difference(picture: np.ndarray | Image.Image, expected: np.ndarray) -> float:
    """Return the mean absolute difference of pixel values."""
    return float(np.abs(np.asarray(picture).astype(int) - expected).mean())


def scene(height: int, width: int) -> np.ndarray:
    """Four coloured quarters: top row red and green, bottom row blue and dark grey."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[: height // 2, : width // 2] = (250, 20, 20)
    pixels[: height // 2, width // 2 :] = (20, 230, 20)
    pixels[height // 2 :, : width // 2] = (20, 20, 240)
    return pixels


def jpeg(picture: np.ndarray | Image.Image, **options: object) -> bytes:
    """Return a picture as JPEG."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image.save(buffer, "JPEG", **{"quality": 92, **options})
    return buffer.getvalue()


def exif(
    thumbnail: bytes,
    orientation: int = 1,
    order: str = "<",
    *,
    start: int | None = None,
    length: int | None = None,
    following: int | None = None,
) -> bytes:
    """Return an EXIF block with a thumbnail in its second directory (IFD1).

    ``start``, ``length`` and ``following`` replace the true offset and length of the thumbnail and
    the true offset of the second directory.
    """
    text = b"Camera\0\0"

    def directory(entries: list[tuple[int, int, int, bytes]], following: int) -> bytes:
        packed = (
            struct.pack(f"{order}HHI", tag, kind, count) + value
            for tag, kind, count, value in entries
        )
        return (
            struct.pack(f"{order}H", len(entries))
            + b"".join(packed)
            + struct.pack(f"{order}I", following)
        )

    def short(value: int) -> bytes:
        return struct.pack(f"{order}HH", value, 0)

    def long(value: int) -> bytes:
        return struct.pack(f"{order}I", value)

    first_at = 8
    text_at = first_at + 2 + 2 * 12 + 4
    second_at = text_at + len(text)
    thumbnail_at = second_at + 2 + 3 * 12 + 4
    first = directory(
        [(272, 2, 7, long(text_at)), (274, 3, 1, short(orientation))],
        second_at if following is None else following,
    )
    second = directory(
        [
            (259, 3, 1, short(6)),
            (513, 4, 1, long(thumbnail_at if start is None else start)),
            (514, 4, 1, long(len(thumbnail) if length is None else length)),
        ],
        0,
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first_at)
    return b"Exif\0\0" + head + first + text + second + thumbnail
