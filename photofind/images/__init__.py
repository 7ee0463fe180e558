"""From files to pixels: recognising photos, safe decoding, metadata and thumbnails."""

from photofind.images.formats import PHOTO_SUFFIXES, RAW_SUFFIXES, is_photo, sidecar_of

__all__ = ["PHOTO_SUFFIXES", "RAW_SUFFIXES", "is_photo", "sidecar_of"]
