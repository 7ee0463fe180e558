"""Fingerprints of pictures compared: 256 bits each, in the eight ways to turn a picture.

``photofind.images.fingerprint`` makes them. Two pictures are the same where few bits differ,
whatever the library and the extractor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from photofind.model.fingerprints import fingerprint_bytes

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

_BYTES = 32
_SIDE = 16
# Of 0 to 100. Below it a picture is nearly blank, and its bits are noise.
_SUFFICIENT = 50
# Mirroring a picture turns the sign of its odd frequencies; the first one kept is odd.
_ODD = (np.arange(_SIDE) % 2 == 0).astype(np.uint8)
_ALL = slice(None)
# Of each four bits in a row the first two, which stand for their pairs with the other two.
_FIRST_OF_PAIRS = np.uint64(0x3333333333333333)
# So many copies are a crowd; and so many pictures at most are looked at that begin none.
_CROWD, _TRIES = 32, 256
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
        data, _ = fingerprint_bytes(texts)
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
        if len(lefts) < len(self):  # One left picture is compared with all of the others.
            turned = self.turned(lefts)
            found = np.stack([_differing(one, self.bits[rights]) for one in turned])
        else:
            turned = self.turned()
            found = np.stack([_differing(one[lefts], self.bits[rights]) for one in turned])
        return found.min(axis=0), found.argmin(axis=0)

    def distances_to(
        self, others: Fingerprints
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int8]]:
        """Return how many bits differ between each of these and each of others, (m, n).

        That is 256 where one of both is nearly blank. The second array is how the one of these is
        turned for that.
        """
        apart = np.full((len(self), len(others)), 8 * _BYTES, np.int16)
        turns = np.zeros(apart.shape, np.int8)
        told = np.flatnonzero(others.sufficient)
        for place in np.flatnonzero(self.sufficient).tolist():
            turned = self.turned(np.array([place]))
            found = np.stack([_differing(one, others.bits[told]) for one in turned])
            apart[place, told], turns[place, told] = found.min(axis=0), found.argmin(axis=0)
        return apart, turns

    def near_enough_to_cover(self, lefts: Places, rights: Places) -> npt.NDArray[np.bool_]:
        """Return which pairs, (p,), may be one picture of which something covers a part."""
        sufficient = self.sufficient[lefts] & self.sufficient[rights]
        return (self.distances(lefts, rights)[0] <= COVERED) & sufficient

    def near(self, lefts: Places, rights: Places) -> npt.NDArray[np.bool_]:
        """Return which of some (m,) are the same picture as which of others (n,), (m, n)."""
        if len(rights) < len(lefts):  # The fewer are turned: that comes to the same.
            return self.near(rights, lefts).T
        near = np.zeros((len(lefts), len(rights)), np.bool_)
        turned, found = _pairs(_quarter_turned(self.bits[lefts])), _pairs(self.bits[rights])
        may_be = _near_by_pairs(_pairs(self.bits[lefts]), found) | _near_by_pairs(turned, found)
        may_be &= self.sufficient[lefts][:, None]
        may_be &= self.sufficient[rights]
        rows, columns = may_be.nonzero()  # Of different pictures hardly any two.
        if len(rows):
            near[rows, columns] = self.distances(lefts[rows], rights[columns])[0] <= SAME
        return near


class NearPairs(NamedTuple):
    """Pairs of pictures, the left place before the right one."""

    lefts: Places
    rights: Places


def near_pairs(fingerprints: Fingerprints, new: npt.NDArray[np.bool_] | None = None) -> NearPairs:
    """Return all pairs of pictures that are the same by their fingerprints.

    With ``new``, (n,), those pairs alone of which one is new.

    Two of which at most 31 bits differ agree in one of 16 chunks of 16 bits, but for one bit at
    most: only those are compared (multi-index hashing; Norouzi, Punjani and Fleet 2012).
    """
    size = max(len(fingerprints), 1)
    is_new = np.ones(size, np.bool_) if new is None else new
    rest, keys = _crowds(fingerprints, np.flatnonzero(fingerprints.sufficient), is_new)
    bits = fingerprints.bits[rest]
    asked = np.flatnonzero(is_new[rest])
    turned = fingerprints.turned(rest[asked])
    # Most pairs are found several times.
    more, waiting = [keys], 0
    for lefts, queries, rights in _candidates(bits, asked, turned):
        near = np.flatnonzero(_differing(queries, bits[rights]) <= SAME)
        more.append(_keys(rest[lefts[near]], rest[rights[near]], size))
        waiting += len(near)
        if waiting > max(_BATCH, len(more[0])):
            more, waiting = [np.unique(np.concatenate(more))], 0
    found = np.unique(np.concatenate(more))
    return NearPairs(found // size, found % size)


def _keys(ones: Places, others: Places, size: int) -> Places:
    """Return a number for each pair, the same whichever is named first."""
    keys: Places = np.minimum(ones, others) * size + np.maximum(ones, others)
    return keys


def _crowds(
    fingerprints: Fingerprints, some: Places, is_new: npt.NDArray[np.bool_]
) -> tuple[Places, Places]:
    """Find crowds of copies, of which all match each other, without comparing all with all.

    What is within 15 bits of one picture is within 30 of each other (turns keep distances). What
    matches one of these is within 46 of it.

    Returns
    -------
    array, array
        The places that are in no crowd, and the keys of the pairs of all others.
    """
    size, keys = len(fingerprints), [np.empty(0, np.int64)]
    alike = _alike(fingerprints.bits[some])
    order = some[np.argsort(-alike, kind="stable")][: np.count_nonzero(alike >= _CROWD)]
    is_left = np.zeros(size, np.bool_)
    is_left[some] = True
    tries = _TRIES
    for centre in order.tolist():
        if not is_left[centre] or not tries:
            continue
        others = np.flatnonzero(is_left)
        apart = fingerprints.distances(np.full(1, centre), others)[0]
        members = others[apart <= SAME // 2]
        if len(members) < _CROWD:
            tries -= 1
            continue
        for place, member in enumerate(members.tolist()):
            behind = members[place + 1 :]
            behind = behind if is_new[member] else behind[is_new[behind]]
            keys.append(member * size + behind)
        around = others[(apart > SAME // 2) & (apart <= SAME + SAME // 2)]
        for other in around.tolist():
            near = members[fingerprints.distances(np.full(1, other), members)[0] <= SAME]
            near = near if is_new[other] else near[is_new[near]]
            keys.append(_keys(np.full(len(near), other), near, size))
        is_left[members] = False
    return some[is_left[some]], np.concatenate(keys)


def _alike(bits: Bits) -> Places:
    """Return with how many pictures each shares a chunk of its bits, for half of the chunks."""
    if not len(bits):
        return np.zeros(0, np.int64)
    shared = []
    for column in bits.view(np.uint16).T:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        shared.append(counts[inverse])
    middle: Places = np.sort(np.stack(shared), axis=0)[len(shared) // 2].astype(np.int64)
    return middle


def _candidates(bits: Bits, asked: Places, turned: Bits) -> Iterator[tuple[Places, Bits, Places]]:
    """Yield places of pictures that are asked for, their turned bits, and places that may be near.

    Two that are both asked for come once.
    """
    chunks = bits.view(np.uint16)
    is_asked = np.zeros(len(bits), np.bool_)
    is_asked[asked] = True
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
                rows = np.repeat(np.arange(begin, end), counts[begin:end].sum(axis=1))
                # The places in `order`: each run counts up from its first.
                offsets = np.repeat(np.cumsum(some) - some, some)
                rights = order[
                    np.repeat(firsts[begin:end].ravel(), some) + np.arange(some.sum()) - offsets
                ]
                once = (asked[rows] < rights) | ~is_asked[rights]
                yield asked[rows[once]], one[rows[once]], rights[once]
                begin = end


def _differing(lefts: Bits, rights: Bits) -> Places:
    """Return how many bits differ in each pair, (p,)."""
    count: Places = np.bitwise_count(_words(lefts) ^ _words(rights)).sum(-1, np.int64)
    return count


def _words(bits: Bits) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(bits).view(np.uint64)


def _pairs(bits: Bits) -> npt.NDArray[np.uint64]:
    """Return of fingerprints (n, 32) which of 128 pairs of bits differ, (n, 2).

    They are frequencies two apart in a row: mirroring turns both or none, so it changes no pair.
    """
    words = _words(bits)
    differing = (words ^ (words >> np.uint64(2))) & _FIRST_OF_PAIRS
    return differing[:, :2] | (differing[:, 2:] << np.uint64(2))


def _near_by_pairs(
    lefts: npt.NDArray[np.uint64], rights: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Return which of some pairs (m, 2) differ in no more than near ones may from which (n, 2)."""
    first, second = rights[:, 0].copy(), rights[:, 1].copy()
    apart = np.bitwise_count(lefts[:, None, 0] ^ first)
    apart += np.bitwise_count(lefts[:, None, 1] ^ second)
    near: npt.NDArray[np.bool_] = apart <= SAME  # A bit is in one pair.
    return near


def _quarter_turned(bits: Bits) -> Bits:
    """Return fingerprints (n, 32) of pictures that are turned by 90 degrees, or mirrored too."""
    signs = np.unpackbits(bits, axis=1).reshape(-1, _SIDE, _SIDE)
    return np.packbits(signs.transpose(0, 2, 1).reshape(-1, 8 * _BYTES), axis=1)
