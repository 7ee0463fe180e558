"""What a comparison of pixels says of edited copies, and of frames of a series."""

from __future__ import annotations

from dataclasses import asdict

from PIL import Image, ImageDraw
from skimage import data

from photofind.images.alignment import align
from photofind.search.verdicts import Verdict
from photofind.search.verification import verdict_of
from tests.unit.images.test_alignment import cropped, features

PHOTO = Image.fromarray(data.astronaut())


def verdict(other: Image.Image, *, near: bool = True) -> Verdict:
    return verdict_of(asdict(align(features(PHOTO), features(other))), near=near)


def with_a_thing(photo: Image.Image) -> Image.Image:
    """Return a photo of which a fifth is covered."""
    copy = photo.copy()
    ImageDraw.Draw(copy).rectangle((90, 200, 400, 370), "white", "black", 4)
    return copy


def test_a_covered_copy_is_the_same_picture_where_its_fingerprint_is_near() -> None:
    small = with_a_thing(PHOTO).resize((256, 256))
    for copy in (with_a_thing(PHOTO), small):
        assert verdict(copy) == ("covered",)
        assert verdict(copy, near=False) is None


def test_a_frame_in_which_something_moved_is_another_picture() -> None:
    """A camera that is held moves by a little between two frames of a series."""
    moved = PHOTO.crop((10, 10, 512, 512)).rotate(0.4, Image.Resampling.BICUBIC)
    assert verdict(with_a_thing(moved)) is None
    assert verdict(moved) is not None


def test_what_was_cut_off_is_named() -> None:
    assert verdict(cropped(PHOTO), near=False) == ("cropped",)
