"""MIME types of the photos that photofind reads."""

from __future__ import annotations

__all__ = ["PHOTO_MIME_TYPES"]

PHOTO_MIME_TYPES = (
    *("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"),
    *("image/avif", "image/heif", "image/heic", "image/jp2", "image/jpx", "image/x-jp2-codestream"),
    *("image/x-portable-anymap", "image/x-portable-pixmap"),
    *("image/x-portable-graymap", "image/x-portable-bitmap"),
    *("image/x-adobe-dng", "image/x-canon-cr2", "image/x-canon-cr3", "image/x-nikon-nef"),
    *("image/x-sony-arw", "image/x-fuji-raf", "image/x-olympus-orf"),
    *("image/x-panasonic-rw2", "image/x-panasonic-raw2", "image/jxl"),
    *("image/x-canon-crw", "image/x-kodak-dcr", "image/x-kodak-k25", "image/x-kodak-kdc"),
    *("image/x-minolta-mrw", "image/x-pentax-pef", "image/x-sigma-x3f"),
    *("image/x-sony-sr2", "image/x-sony-srf", "image/x-samsung-srw", "image/x-nikon-nrw"),
)
"""The MIME types of :data:`photofind.images.formats.PHOTO_SUFFIXES` in shared-mime-info.

Types with another name in older versions are listed under both names.
"""
