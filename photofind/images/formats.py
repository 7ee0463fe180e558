"""Recognising photos by file name, without opening the file."""

from __future__ import annotations

import errno
from pathlib import Path, PurePath

__all__ = ["PHOTO_SUFFIXES", "RAW_SUFFIXES", "is_photo", "sidecar_of"]

RAW_SUFFIXES = frozenset({".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"})
"""Suffixes of camera RAW files, lower-case."""

PHOTO_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    *(".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".hif"),
    *(".jp2", ".j2k", ".jpx"),
    *(".pnm", ".ppm", ".pgm", ".pbm", ".pfm"),
}
"""Suffixes of all photo files, lower-case."""


def is_photo(name: str) -> bool:
    """Return whether a file name or path has the suffix of a photo, in upper or lower case."""
    return PurePath(name).suffix.lower() in PHOTO_SUFFIXES


def sidecar_of(path: Path) -> Path | None:
    """Return the XMP sidecar of a photo, ``photo.jpg.xmp`` or ``photo.xmp``; None without one.

    A name that is too long for the file system is that of no sidecar.

    Raises
    ------
    OSError
        The system does not say whether there is one.
    """
    for stem in (path.name, path.stem):
        for suffix in (".xmp", ".XMP"):
            sidecar = path.with_name(stem + suffix)
            try:
                if sidecar.is_file():
                    return sidecar
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
    return None
