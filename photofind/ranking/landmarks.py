"""Which pictures show a common part: votes of their landmarks.

``photofind.images.landmarks`` makes them. Two with nearly the same code say how one picture would
lie on the other; where several say the same, the pictures are worth comparing (Hough voting: Lowe,
"Distinctive image features from scale-invariant keypoints", 2004). That costs as much as there are
landmarks, not as there are pairs of pictures, and finds a page of text among many that an extractor
takes for the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from photofind.images.landmarks import CODE, TABLES

__all__ = ["MOST", "VOTES", "voted_pairs"]

VOTES = 3
"""So many landmarks agree at least. Of single letters two agree by chance."""

MOST = 24
"""With so many others at most each picture is proposed, those with most votes."""

_SIDE = 384.0
_LANDMARKS = 4_000_000  # The most that vote; of more pictures fewer landmarks each.
_IN_BUCKET = 32  # What more landmarks share says nothing.
_BATCH = 1 << 21
# Landmarks agree whose turn, size (a power of two) and place (pixels) are about so much apart.
_TURN, _SIZE, _PLACE = 30.0, 0.75, 64.0
_TURNS, _SIZES, _PLACES = 12, 18, 24

Rows = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def voted_pairs(
    pictures: Sequence[Rows], new: npt.NDArray[np.bool_] | None = None
) -> list[tuple[int, int, int]]:
    """Return pairs of pictures that may show a common part, those with most votes first.

    Parameters
    ----------
    pictures
        The landmarks of each.
    new
        Which of them are new, (n,): pairs of others are left out. All, where it is not given.

    Returns
    -------
    list of tuples
        Two places, the lower one first, and how many landmarks agree.
    """
    each = max(16, _LANDMARKS // max(len(pictures), 1))
    rows = [picture[:each] for picture in pictures]
    of = np.repeat(np.arange(len(rows)), [len(picture) for picture in rows])
    if not len(of):
        return []
    every = np.concatenate(rows)
    pose = every[:, CODE:].copy().view(np.float16).astype(np.float32)
    is_new = np.ones(len(rows), np.bool_) if new is None else new
    bits = min(24, max(16, int(np.log2(len(of))) + 3))
    found = np.empty(0, np.int64), np.empty(0, np.int64)
    said, waiting = [], 0
    for table in range(TABLES):
        code = every[:, 3 * table : 3 * table + 3].astype(np.uint32) @ np.array(
            [1 << 16, 1 << 8, 1], np.uint32
        )
        for lefts, rights in _sharing(code >> np.uint32(24 - bits), of, is_new):
            said.append(_said(lefts, rights, of, pose, len(rows)))
            waiting += len(said[-1])
            if waiting > max(_BATCH, len(found[0])):
                found, said, waiting = _counted(found, said), [], 0
    keys, votes = _counted(found, said)
    return _best(keys // _ways(), votes, len(rows))


def _sharing(
    codes: npt.NDArray[np.uint32], of: Places, is_new: npt.NDArray[np.bool_]
) -> Iterator[tuple[Places, Places]]:
    """Yield landmarks of two pictures that share a code, the picture with the lower place first."""
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    lengths = np.diff(np.r_[starts, len(codes)])
    few = np.repeat(lengths, lengths) <= _IN_BUCKET
    order, codes = order[few], codes[few]
    for begin in range(0, len(order), _BATCH):
        end = min(begin + _BATCH, len(order))
        for apart in range(1, _IN_BUCKET):
            ends = min(end, len(order) - apart)
            if ends <= begin:
                break
            same = np.flatnonzero(codes[begin:ends] == codes[begin + apart : ends + apart]) + begin
            if not len(same):
                break
            lefts, rights = order[same], order[same + apart]
            wanted = (of[lefts] != of[rights]) & (is_new[of[lefts]] | is_new[of[rights]])
            yield lefts[wanted], rights[wanted]


def _said(
    lefts: Places, rights: Places, of: Places, pose: npt.NDArray[np.float32], count: int
) -> Places:
    """Return what pairs of landmarks say: two pictures, and how one lies on the other.

    Each says two things: what is between two steps of one is in the middle of one of the other.
    """
    turn = (pose[rights, 2] - pose[lefts, 2]) % 360
    size = pose[rights, 3] / np.maximum(pose[lefts, 3], 0.1)
    size = np.maximum(size, 2.0**-8)
    # Where the middle of the left picture comes to lie.
    across, down = (_SIDE / 2 - pose[lefts, axis] for axis in (0, 1))
    cosine, sine = size * np.cos(np.radians(turn)), size * np.sin(np.radians(turn))
    x = pose[rights, 0] + cosine * across - sine * down
    y = pose[rights, 1] + sine * across + cosine * down
    pair = of[lefts] * count + of[rights]
    said = []
    for step in (0.0, 0.5):
        turns = (turn / _TURN + step).astype(np.int64) % _TURNS
        sizes = np.clip(np.log2(size) / _SIZE + 8 + step, 0, _SIZES - 1).astype(np.int64)
        columns, rows = (
            np.clip(value / _PLACE + 8 + step, 0, _PLACES - 1).astype(np.int64) for value in (x, y)
        )
        said.append(
            (((pair * _TURNS + turns) * _SIZES + sizes) * _PLACES + columns) * _PLACES + rows
        )
    return np.concatenate([said[0] * 2, said[1] * 2 + 1])


def _ways() -> int:
    return _TURNS * _SIZES * _PLACES * _PLACES * 2


def _counted(known: tuple[Places, Places], more: Sequence[Places]) -> tuple[Places, Places]:
    """Return keys, ascending, and how often each was said."""
    new, counts = np.unique(np.concatenate([*more, known[0][:0]]), return_counts=True)
    keys, inverse = np.unique(np.concatenate([known[0], new]), return_inverse=True)
    votes = np.bincount(inverse, np.concatenate([known[1], counts]), len(keys))
    return keys, votes.astype(np.int64)


def _best(pairs: Places, votes: Places, count: int) -> list[tuple[int, int, int]]:
    """Return the pairs that are among the best of one of their pictures, most votes first."""
    enough = votes >= VOTES
    pairs, votes = pairs[enough], votes[enough]
    one, other = pairs // count, pairs % count
    pairs = np.minimum(one, other) * count + np.maximum(one, other)
    left: dict[int, int] = {}
    found: dict[int, int] = {}
    for place in np.argsort(-votes, kind="stable").tolist():
        pair = int(pairs[place])
        low, high = divmod(pair, count)
        if pair in found or min(left.get(low, 0), left.get(high, 0)) >= MOST:
            continue
        found[pair] = int(votes[place])
        left[low] = left.get(low, 0) + 1
        left[high] = left.get(high, 0) + 1
    return [(*divmod(pair, count), number) for pair, number in found.items()]
