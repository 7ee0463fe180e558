"""Opening pictures without decoding them; the format is recognised by content.

Only the formats listed here are tried: others that Pillow supports start interpreters (EPS runs
Ghostscript) or are not photos.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Pillow does not import these five plugins by default.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    Jpeg2KImagePlugin,  # noqa: F401
    JpegImagePlugin,
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)
from pillow_heif import register_heif_opener

from photofind.errors import DamagedImageError, ImageError, PassingImageError
from photofind.images.limits import Limits
from photofind.system.resources import lacks_resources

__all__ = ["REDUCIBLE", "decoding_errors", "open_picture"]

REDUCIBLE, MOST_REDUCED = ("JPEG", "MPO"), 8
"""The formats that are decoded at a smaller scale, and by how much their sides at most."""

_FORMATS = ("JPEG", "PNG", "HEIF", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")

_MOST_READS, _LEAST_READ, _LEAST_READ_OF_PNG = 100_000, 32, 256
"""How often a decoder reads from a file: so often, and once more for so many bytes of it.

Of a chunk of a PNG it reads four times, and encoders write chunks of kilobytes.
"""

_SMALL = 1 << 20
"""In bytes; the parts of a smaller file are not counted, which takes its time."""

_TRUNCATED = "truncated: the file ends before the picture does"
_MESSAGES = (
    (("truncated", "Truncated", "only got"), _TRUNCATED),
    (
        ("decoder error", "data stream", "seek to frame"),
        "cannot be decoded: its data is damaged or not supported",
    ),
    (("MAX_TEXT_CHUNK",), "too large: a text chunk in it declares far too many characters"),
)
"""Words in Pillow's error messages, and the message for the user."""

register_heif_opener()
# Pillow warns of damage that it tolerates. Warning filters are per process, not per thread, so this
# one is set once, for Pillow's modules only.
warnings.filterwarnings("ignore", module=r"PIL\.")


def open_picture(data: bytes, limits: Limits) -> ImageFile.ImageFile:
    """Return an opened picture with known size and metadata, not yet decoded.

    Parameters
    ----------
    data
        The bytes of a whole file, of any format except camera RAW.
    limits
        ``limits.pixels`` is the largest accepted size; of a JPEG at the smallest scale.

    Raises
    ------
    ImageError
        If the bytes are not a picture in a supported format, are damaged, or declare too many
        pixels.
    """
    # Pillow's limit is per process, and it refuses more than twice that. Raising it, and never
    # lowering it, does not disturb other threads.
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, limits.pixels)
    with decoding_errors():
        file = io.BytesIO(data) if len(data) < _SMALL else _Counted(data)
        try:
            picture = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombError:
            if not data.startswith(b"\xff\xd8\xff"):
                raise
            file.seek(0)
            # It may be decoded at a smaller scale, and decoding it otherwise is refused then.
            picture = JpegImagePlugin.jpeg_factory(file)
    width, height = picture.size
    if picture.format in REDUCIBLE:
        width, height = -(-width // MOST_REDUCED), -(-height // MOST_REDUCED)
    limits.check_pixels(width, height)
    return picture


class _Counted(io.BytesIO):
    """The bytes of a file, which can be read in a bounded number of pieces.

    A file of millions of tiny parts takes minutes to go through.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        least = _LEAST_READ_OF_PNG if data.startswith(b"\x89PNG") else _LEAST_READ
        self._left = _MOST_READS + len(data) // least

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ImageError("too costly: it consists of far too many parts")
        return super().read(size)


@contextmanager
def decoding_errors() -> Iterator[None]:
    """Turn any exception of a decoder into an :class:`ImageError` with a one-line reason.

    On unexpected bytes, decoders raise nearly every built-in exception; the original one is kept as
    the cause. What the machine lacks at the moment is a :class:`PassingImageError`.
    """
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise DamagedImageError(
            "not a picture in a supported format, or damaged at its beginning"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError("too large: it declares far too many pixels") from error
    except EOFError as error:
        raise DamagedImageError(_TRUNCATED) from error
    except Exception as error:
        if isinstance(error, MemoryError):
            raise PassingImageError("not enough memory to decode it") from error
        if lacks_resources(error):
            raise PassingImageError(f"cannot be decoded: {error}") from error
        # LibRaw's messages are bytes, and Pillow's may quote bytes of the file.
        texts = (
            part.decode(errors="replace") if isinstance(part, bytes) else str(part)
            for part in error.args
        )
        reason = " ".join(" ".join(texts).split())[:200] or type(error).__name__
        raise DamagedImageError(_user_message(reason)) from error


def _user_message(reason: str) -> str:
    """Return a decoder's error message, worded for the user."""
    for words, plain in _MESSAGES:
        if any(word in reason for word in words):
            return plain
    return f"cannot be decoded: {reason}"
