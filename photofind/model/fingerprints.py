"""Fingerprints of pictures as texts: a version, then 256 bits and a quality in base64.

``photofind.images.fingerprint`` makes them, ``photofind.ranking.fingerprints`` compares them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["BYTES", "fingerprint_bytes", "fingerprint_texts"]

BYTES = 33
"""The bits of a fingerprint take 32, its quality from 0 to 100 the last one."""

_VERSION = "1"
_CHARACTERS = BYTES * 4 // 3  # Three bytes are four characters, and none is left.

Bytes = npt.NDArray[np.uint8]


def fingerprint_texts(data: Bytes) -> list[str]:
    """Return the texts of fingerprints, given as uint8 (n, 33)."""
    text = base64.b64encode(data.tobytes()).decode("ascii")
    return [_VERSION + text[one : one + _CHARACTERS] for one in range(0, len(text), _CHARACTERS)]


def fingerprint_bytes(texts: Sequence[str | None]) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """Return the bytes of fingerprints, uint8 (n, 33), and which texts are such, (n,).

    The bytes are zeros for those that are missing, damaged, or of another version.
    """
    data, there = np.zeros((len(texts), BYTES), np.uint8), np.zeros(len(texts), np.bool_)
    places = [
        place
        for place, text in enumerate(texts)
        if text and text[0] == _VERSION and len(text) == 1 + _CHARACTERS
    ]
    encoded = [str(texts[place])[1:] for place in places]
    try:  # At once: hundreds are asked for with each query.
        data[places] = _decoded("".join(encoded))
        there[places] = True
    except ValueError:  # One of them is damaged.
        for place, one in zip(places, encoded, strict=True):
            try:
                data[place] = _decoded(one)
            except ValueError:
                continue
            there[place] = True
    return data, there


def _decoded(encoded: str) -> Bytes:
    """Return decoded fingerprints, uint8 (n, 33).

    Raises
    ------
    ValueError
        It is no base64 of whole fingerprints.
    """
    return np.frombuffer(base64.b64decode(encoded, validate=True), np.uint8).reshape(-1, BYTES)
