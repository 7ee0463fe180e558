"""Parts of photos, and photos laid in other ways."""

from __future__ import annotations

import numpy as np

from photofind.images.views import crop, orientations, size_to_crop

QUARTERS = np.kron(np.array([[10, 80], [150, 220]], np.uint8), np.ones((64, 64), np.uint8))
PICTURE = np.repeat(QUARTERS[..., np.newaxis], 3, axis=2)


def test_a_part_is_cut_out() -> None:
    part = crop(PICTURE, (32, 48), (0.5, 0.0, 0.5, 0.5))
    assert part.shape == (32, 48, 3)
    assert (part == 80).all()


def test_a_part_has_all_the_pixels_that_are_wanted() -> None:
    assert size_to_crop((224, 224), (0.2, 0.2, 0.5, 0.25)) == (896, 448)
    assert size_to_crop((224, 224), (0, 0, 1, 1)) == (224, 224)
    assert size_to_crop((224, 224), (0, 0, 0.02, 1)) == (224, 8 * 224), "which has a bound"


def test_a_picture_is_laid_in_eight_ways_and_as_it_is_first() -> None:
    laid = orientations(PICTURE)
    assert laid.shape == (8, 128, 128, 3)
    assert (laid[0] == PICTURE).all()
    assert len({one.tobytes() for one in laid}) == 8
    corners = laid[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert {tuple(sorted(one)) for one in corners.tolist()} == {(10, 80, 150, 220)}


def test_the_sides_stay_as_the_extractor_wants_them() -> None:
    assert orientations(PICTURE[:, :96]).shape == (8, 128, 96, 3)
