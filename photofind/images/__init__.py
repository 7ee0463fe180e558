"""A file becomes pixels: which files are photos, safe decoding, and what a photo says of itself."""

from photofind.images.formats import PHOTO_SUFFIXES, RAW_SUFFIXES, is_photo, sidecar_of

__all__ = ["PHOTO_SUFFIXES", "RAW_SUFFIXES", "is_photo", "sidecar_of"]
