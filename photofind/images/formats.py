"""Recognising photos by file name, without opening the file."""

from __future__ import annotations

import errno
from pathlib import Path, PurePath

__all__ = ["PHOTO_SUFFIXES", "RAW_SUFFIXES", "is_photo", "sidecar_of"]

RAW_SUFFIXES = frozenset(
    {
        *(".cr2", ".cr3", ".crw"),  # Canon
        *(".arw", ".sr2", ".srf"),  # Sony
        *(".nef", ".nrw"),  # Nikon
        *(".dcr", ".k25", ".kdc"),  # Kodak
        *(".3fr", ".fff"),  # Hasselblad
        *(".iiq", ".mef", ".mos"),  # Phase One, Mamiya, Leaf
        *(".dng", ".gpr", ".rwl"),  # Adobe and many cameras, GoPro, Leica
        *(".erf", ".mrw", ".orf", ".pef", ".raf", ".rw2", ".srw", ".x3f"),
    }
)
"""Suffixes of camera RAW files that LibRaw reads, lower-case.

Those that other kinds of files have too, such as ``.raw``, are not among them.
"""

PHOTO_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    *(".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".hif", ".jxl"),
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
