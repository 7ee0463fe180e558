from __future__ import annotations

import base64

import numpy as np

from photofind.ranking.fingerprints import SAME, Fingerprints, NearPairs, near_pairs

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
    expected = [(place, 60 + place) for place in range(SAME + 1)]
    assert [*zip(*map(np.ndarray.tolist, pairs), strict=True)] == expected
    near = prints.near(np.arange(60), np.arange(60, 120))
    assert np.argwhere(near).tolist() == [[place, place] for place in range(SAME + 1)]
    assert np.array_equal(prints.near(np.arange(60), np.arange(60, 70)), near[:, :10])


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


def test_pairs_of_what_is_new_complete_the_others() -> None:
    originals = RANDOM.integers(0, 2, (30, 256), np.uint8)
    copies = originals.copy()
    copies[:, RANDOM.choice(256, 20, replace=False)] ^= 1
    prints = Fingerprints([text(bits) for bits in [*originals, *copies, *originals[:5]]])

    def pairs(found: NearPairs) -> set[tuple[int, int]]:
        return {*zip(found.lefts.tolist(), found.rights.tolist(), strict=True)}

    new = np.zeros(len(prints), np.bool_)
    new[[3, 33, 40, 60]] = True
    every = pairs(near_pairs(prints))
    assert pairs(near_pairs(prints, new)) == {
        (left, right) for left, right in every if new[left] or new[right]
    }
    assert not pairs(near_pairs(prints, np.zeros(len(prints), np.bool_)))


def test_crowds_of_copies_are_found_as_pairs_are() -> None:
    """Without comparing all with all, and with what is only near some of them."""
    base = RANDOM.integers(0, 2, 256, np.uint8)
    crowd = [flipped(base, int(count)) for count in RANDOM.integers(0, 14, 60)]
    around = [flipped(base, int(count)) for count in RANDOM.integers(16, 60, 40)]
    prints = Fingerprints([text(bits) for bits in [*crowd, *around]])
    for place in range(0, 100, 3):
        prints.bits[place] = prints.turned()[place % 8, place]
    places = np.arange(100)
    for new in (np.ones(100, np.bool_), RANDOM.random(100) < 0.1):
        expected = np.argwhere(np.triu(prints.near(places, places), 1)).tolist()
        expected = [[left, right] for left, right in expected if new[left] or new[right]]
        assert [*map(list, zip(*near_pairs(prints, new), strict=True))] == expected
