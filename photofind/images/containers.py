"""A photo's bytes become an opened, not yet decoded picture; their content tells the format.

Only the formats named here are ever tried: others that Pillow knows start interpreters
(EPS runs Ghostscript) or are not photos.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# These five plugins are not among those that Pillow imports by itself at the first file.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    Jpeg2KImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)
from pillow_heif import register_heif_opener

from photofind.errors import ImageError
from photofind.images.limits import Limits

__all__ = ["decoding_errors", "open_picture"]

_FORMATS = ("JPEG", "PNG", "HEIF", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")

_TRUNCATED = "truncated: the file ends before the picture does"
_PLAIN_WORDS = (
    (("truncated", "Truncated", "only got"), _TRUNCATED),
    (
        ("decoder error", "data stream", "seek to frame"),
        "cannot be decoded: its data is damaged, or of a kind that is not supported",
    ),
    (("MAX_TEXT_CHUNK",), "too large: a text inside it declares far too many characters"),
)
"""Words in Pillow's reasons that mean more to its authors than to others, and what they mean."""

register_heif_opener()
# Pillow warns of damage that it can live with. Filters belong to the process, not to a thread, so
# this one is set once, for Pillow's own modules.
warnings.filterwarnings("ignore", module=r"PIL\.")


def open_picture(data: bytes, limits: Limits) -> ImageFile.ImageFile:
    """Return a picture that is opened, its size and metadata known, but not decoded.

    Parameters
    ----------
    data
        The bytes of a whole file, of any format but camera RAW.
    limits
        ``limits.pixels`` is the largest declared size that is accepted.

    Raises
    ------
    ImageError
        If the bytes are no picture in a format that is read, are damaged, or declare too
        many pixels.
    """
    # Pillow has one limit for the process, over twice of which it refuses. Raised where it is lower
    # than what is allowed here and never lowered, it disturbs no other thread.
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, limits.pixels)
    with decoding_errors():
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    limits.check_pixels(*picture.size)
    return picture


@contextmanager
def decoding_errors() -> Iterator[None]:
    """Turn whatever a decoder raises into an :class:`ImageError` with a reason of one line.

    Decoders meet bytes that nobody foresaw, and raise, beside ``OSError``, nearly every built-in
    exception; the original is kept as the cause.
    """
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            "not a picture in any format that photofind reads, or damaged where it begins"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError("too large: it declares far too many pixels") from error
    except MemoryError as error:
        raise ImageError("not enough memory to decode it") from error
    except EOFError as error:
        raise ImageError(_TRUNCATED) from error
    except Exception as error:
        # LibRaw's reasons come as bytes, Pillow's may quote the file's.
        texts = (
            part.decode(errors="replace") if isinstance(part, bytes) else str(part)
            for part in error.args
        )
        reason = " ".join(" ".join(texts).split())[:200] or type(error).__name__
        raise ImageError(_in_plain_words(reason)) from error


def _in_plain_words(reason: str) -> str:
    """Return a decoder's reason in words for whoever has the photo, not for who has the code."""
    for words, plain in _PLAIN_WORDS:
        if any(word in reason for word in words):
            return plain
    return f"cannot be decoded: {reason}"
