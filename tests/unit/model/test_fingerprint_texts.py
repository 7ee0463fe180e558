from __future__ import annotations

import numpy as np

from photofind.model.fingerprints import BYTES, fingerprint_bytes, fingerprint_texts


def test_texts_are_read_as_they_were_written_and_what_is_none_is_told() -> None:
    data = np.random.default_rng(0).integers(0, 256, (3, BYTES), np.uint8)
    first, second, third = fingerprint_texts(data)
    whole, there = fingerprint_bytes([None, first, "", second, f"2{third[1:]}"])
    assert there.tolist() == [False, True, False, True, False]
    assert (whole[there] == data[:2]).all()
    assert not whole[~there].any()


def test_one_that_is_damaged_leaves_the_others() -> None:
    data = np.random.default_rng(1).integers(0, 256, (2, BYTES), np.uint8)
    first, second = fingerprint_texts(data)
    for damaged in (f"{first[:-1]}=", f"1é{first[2:]}", f"1 {first[2:]}"):
        whole, there = fingerprint_bytes([first, damaged, second])
        assert there.tolist() == [True, False, True]
        assert (whole[[0, 2]] == data).all()
