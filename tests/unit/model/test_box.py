"""Parts of photos in queries."""

from __future__ import annotations

import pytest

from photofind.model.parameters import checked_box


def test_a_box_is_four_fractions() -> None:
    assert checked_box([0, 0.25, 1, 0.5]) == (0.0, 0.25, 1.0, 0.5)


def test_what_reaches_beyond_the_photo_is_cut_off() -> None:
    assert checked_box([0.5, 0.75, 0.9, 3]) == (0.5, 0.75, 0.5, 0.25)


@pytest.mark.parametrize(
    "wrong",
    [
        "0,0,1,1",
        [0, 0, 1],
        [0, 0, 1, True],
        [0, 0, 1, "1"],
        [0, 0, 0, 1],
        [0, 0, 0.001, 1],
        [0.999, 0, 1, 1],
        [-0.1, 0, 1, 1],
        [0, 1.1, 1, 1],
        [float("nan"), 0, 1, 1],
        [0, 0, float("nan"), 1],
        None,
    ],
    ids=repr,
)
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="it is"):
        checked_box(wrong)
