"""Fingerprints of pictures compared: 256 bits each, in the eight ways to turn a picture.

``photofind.images.fingerprint`` makes them. Two pictures are the same where few bits differ,
whatever the library and the extractor.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["COVERED", "SAME", "Fingerprints", "NearPairs", "near_pairs"]

SAME = 31
"""So many bits at most differ between two fingerprints of one picture.

Of 240 documents and screenshots that all differ, no two are nearer than 48.
"""

COVERED = 45
"""So many bits at most differ where something covers a part of the picture.

Text across photos changes 43 or less. Two screenshots of one app are 57 apart, and the cells of
their frames are alike.
"""

Bits = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_VERSION = "1"
_BYTES = 32
_SIDE = 16
# Of 0 to 100. Below it a picture is nearly blank, and its bits are noise.
_SUFFICIENT = 50
# Mirroring a picture turns the sign of its odd frequencies; the first one kept is odd.
_ODD = (np.arange(_SIDE) % 2 == 0).astype(np.uint8)
_ALL = slice(None)
_COUNTS = 512  # More than there are bits.
# Pairs that are compared at a time.
_BATCH = 1 << 20


class Fingerprints:
    """The fingerprints of some pictures.

    Parameters
    ----------
    texts
        As they are kept; one that is missing or of another version is as that of a blank picture.

    Attributes
    ----------
    bits
        Packed, uint8 (n, 32).
    sufficient
        Which tell pictures apart, (n,): the others are nearly blank, or missing.
    """

    def __init__(self, texts: Sequence[str | None]) -> None:
        data = np.zeros((len(texts), _BYTES + 1), np.uint8)
        for place, text in enumerate(texts):
            if (raw := _decoded(text)) is not None:
                data[place] = np.frombuffer(raw, np.uint8)
        self.bits: Bits = np.ascontiguousarray(data[:, :-1])
        self.sufficient: npt.NDArray[np.bool_] = data[:, -1] >= _SUFFICIENT

    def __len__(self) -> int:
        return len(self.bits)

    def turned(self, places: Places | slice = _ALL) -> Bits:
        """Return the bits of pictures in all turns, packed, uint8 (8, n, 32).

        As they are; turned anticlockwise by 90, 180 and 270 degrees; mirrored, and that turned so.
        """
        signs = np.unpackbits(self.bits[places], axis=1).reshape(-1, _SIDE, _SIDE)
        turned = []
        for one in (signs, signs ^ _ODD):
            for _ in range(4):
                turned.append(np.packbits(one.reshape(-1, 8 * _BYTES), axis=1))
                # A quarter turn: transposed, then mirrored top to bottom.
                one = one.transpose(0, 2, 1) ^ _ODD[:, None]
        return np.stack(turned)

    def distances(self, lefts: Places, rights: Places) -> tuple[Places, Places]:
        """Return how many bits differ in pairs, (p,), and how the left one is turned for that."""
        turned = self.turned()
        found = np.stack([_differing(one[lefts], self.bits[rights]) for one in turned])
        return found.min(axis=0), found.argmin(axis=0)

    def near_enough_to_cover(self, lefts: Places, rights: Places) -> npt.NDArray[np.bool_]:
        """Return which pairs, (p,), may be one picture of which something covers a part."""
        sufficient = self.sufficient[lefts] & self.sufficient[rights]
        return (self.distances(lefts, rights)[0] <= COVERED) & sufficient

    def near(self, lefts: Places, rights: Places) -> npt.NDArray[np.bool_]:
        """Return which of some (m,) are the same picture as which of others (n,), (m, n)."""
        lefts_words = _words(self.turned(lefts))
        rights_words = _words(self.bits[rights])
        apart = np.zeros((*lefts_words.shape[:2], len(rights)), np.uint16)
        for word in range(lefts_words.shape[2]):  # Faster than a sum over the last axis.
            apart += np.bitwise_count(lefts_words[:, :, None, word] ^ rights_words[:, word])
        sufficient = self.sufficient[lefts][:, None] & self.sufficient[rights]
        near: npt.NDArray[np.bool_] = (apart.min(axis=0) <= SAME) & sufficient
        return near


class NearPairs(NamedTuple):
    """Pairs of pictures, the left place before the right one, and how many bits differ."""

    lefts: Places
    rights: Places
    distances: Places


def near_pairs(fingerprints: Fingerprints) -> NearPairs:
    """Return all pairs of pictures that are the same by their fingerprints.

    Two of which at most 31 bits differ agree in one of 16 chunks of 16 bits, but for one bit at
    most: only those are compared (multi-index hashing; Norouzi, Punjani and Fleet 2012).
    """
    some = np.flatnonzero(fingerprints.sufficient)
    bits, turned = fingerprints.bits[some], fingerprints.turned()[:, some]
    size = max(len(some), 1)
    # A pair and how many bits differ, in one number: most pairs are found several times.
    found, more, waiting = np.empty(0, np.int64), [], 0
    for lefts, queries, rights in _candidates(bits, turned):
        apart = _differing(queries, bits[rights])
        near = np.flatnonzero(apart <= SAME)
        more.append((lefts[near] * size + rights[near]) * _COUNTS + apart[near])
        waiting += len(near)
        if waiting > max(_BATCH, len(found)):
            found, more, waiting = np.unique(np.concatenate([found, *more])), [], 0
    found = np.unique(np.concatenate([found, *more]))
    pairs, best = np.unique(found // _COUNTS, return_index=True)
    return NearPairs(some[pairs // size], some[pairs % size], found[best] % _COUNTS)


def _candidates(bits: Bits, turned: Bits) -> Iterator[tuple[Places, Bits, Places]]:
    """Yield places of pictures, their turned bits, and places behind them that may be near."""
    chunks = bits.view(np.uint16)
    flips = np.array([0, *(1 << np.arange(16))], np.uint16)
    for column in range(chunks.shape[1]):
        order = np.argsort(chunks[:, column], kind="stable")
        starts = np.searchsorted(chunks[order, column], np.arange(0x10001))
        for one in turned:
            wanted = (one.view(np.uint16)[:, column, None] ^ flips).astype(np.int64)
            firsts, counts = starts[wanted], starts[wanted + 1] - starts[wanted]
            ends = np.cumsum(counts.sum(axis=1))
            begin = 0
            while begin < len(one):
                done = int(ends[begin - 1]) if begin else 0
                end = max(begin + 1, int(np.searchsorted(ends, done + _BATCH, "right")))
                some = counts[begin:end].ravel()
                lefts = np.repeat(np.arange(begin, end), counts[begin:end].sum(axis=1))
                # The places in `order`: each run counts up from its first.
                offsets = np.repeat(np.cumsum(some) - some, some)
                rights = order[
                    np.repeat(firsts[begin:end].ravel(), some) + np.arange(some.sum()) - offsets
                ]
                behind = lefts < rights
                yield lefts[behind], one[lefts[behind]], rights[behind]
                begin = end


def _differing(lefts: Bits, rights: Bits) -> Places:
    """Return how many bits differ in each pair, (p,)."""
    count: Places = np.bitwise_count(_words(lefts) ^ _words(rights)).sum(-1, np.int64)
    return count


def _words(bits: Bits) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(bits).view(np.uint64)


def _decoded(text: str | None) -> bytes | None:
    """Return bits and quality of a fingerprint; None where there are none."""
    if not text or text[0] != _VERSION:
        return None
    try:
        raw = base64.b64decode(text[1:], validate=True)
    except binascii.Error:
        return None
    return raw if len(raw) == _BYTES + 1 else None
