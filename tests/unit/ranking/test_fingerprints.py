from __future__ import annotations

import base64

import numpy as np

from photofind.ranking.fingerprints import SAME, Fingerprints, near_pairs

RANDOM = np.random.default_rng(6)


def text(bits: np.ndarray, quality: int = 100) -> str:
    return "1" + base64.b64encode(np.packbits(bits).tobytes() + bytes([quality])).decode()


def flipped(bits: np.ndarray, count: int) -> np.ndarray:
    bits = bits.copy()
    bits[RANDOM.choice(256, count, replace=False)] ^= 1
    return bits


def test_all_near_pairs_are_found_and_no_other() -> None:
    originals = RANDOM.integers(0, 2, (60, 256), np.uint8)
    copies = [flipped(bits, count) for count, bits in enumerate(originals)]
    prints = Fingerprints([text(bits) for bits in [*originals, *copies]])
    # Some are turned: what is found does not depend on that.
    for place in range(0, 60, 3):
        prints.bits[place] = prints.turned()[place % 8, place]
    pairs = near_pairs(prints)
    expected = [(place, 60 + place, place) for place in range(SAME + 1)]
    assert [*zip(*map(np.ndarray.tolist, pairs), strict=True)] == expected
    near = prints.near(np.arange(60), np.arange(60, 120))
    assert np.argwhere(near).tolist() == [[place, place] for place in range(SAME + 1)]


def test_one_that_is_missing_or_of_another_version_matches_nothing() -> None:
    bits = np.zeros(256, np.uint8)
    texts = [None, "", "2" + text(bits)[1:], "1abc", "1???", text(bits, quality=49), text(bits)]
    prints = Fingerprints(texts)
    assert prints.sufficient.tolist() == [False] * 6 + [True]
    assert not len(near_pairs(prints).lefts)


def test_turning_back_is_no_change() -> None:
    prints = Fingerprints([text(RANDOM.integers(0, 2, 256, np.uint8))])
    back = {1: 3, 3: 1}  # All others are their own opposites.
    for turn, bits in enumerate(prints.turned()):
        other = Fingerprints([None])
        other.bits = bits
        assert np.array_equal(other.turned()[back.get(turn, turn)], prints.bits)
