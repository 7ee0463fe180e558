"""TIFFs of floating-point colours, through tifffile: Pillow reads floating-point grey only."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

from photofind.images.containers import decoding_errors
from photofind.images.cost import Cost
from photofind.images.exif import load_exif
from photofind.images.limits import Limits
from photofind.images.turns import Take

__all__ = ["is_float_tiff", "read_float_tiff"]

_SAMPLES, _SAMPLE_FORMAT = 277, 339
_FLOAT = 3

_PER_SAMPLE = 16
"""Bytes that reading one takes: twice as it is stored, and as it is scaled."""


def is_float_tiff(data: bytes) -> bool:
    """Return whether the bytes are a TIFF whose first page has floating-point colours."""
    if not data.startswith((b"II*\0", b"MM\0*")):
        return False
    first = load_exif(data)
    formats = first.get(_SAMPLE_FORMAT)
    kinds = formats if isinstance(formats, tuple) else (formats,)
    return set(kinds) == {_FLOAT} and first.get(_SAMPLES) in (3, 4)


def read_float_tiff(data: bytes, limits: Limits, take: Take) -> Image.Image:
    """Return the first page of a TIFF of floating-point colours, in RGB.

    White is the first of 1, 255 and 65535 that 99 % of the values do not exceed, or else that
    which they do not exceed.

    Raises
    ------
    ImageError
        It cannot be read, or takes too much memory.
    """
    import tifffile  # Heavy, and rarely needed.

    with decoding_errors(), tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        limits.check_pixels(page.imagewidth, page.imagelength)
        # A strip or tile may be larger than the picture.
        samples = max(math.prod(page.shape), math.prod(page.chunks))
        cost = Cost(page.imagewidth * page.imagelength, _PER_SAMPLE * samples)
        limits.check_memory(cost)
        with take(cost):
            values = np.nan_to_num(page.asarray(maxworkers=1), posinf=0, neginf=0)
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
                values = np.moveaxis(values, 0, -1)
            values = values[..., :3]
            peak = float(np.percentile(values[:: max(len(values) // 256, 1)], 99))
            white = next((white for white in (1.0, 255.0, 65535.0) if peak <= white), peak)
            eight_bits = np.clip(values * (255 / white), 0, 255).astype(np.uint8)
    return Image.fromarray(eight_bits)
