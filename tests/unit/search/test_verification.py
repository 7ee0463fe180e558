"""What a comparison of pixels says of edited copies, and of frames of a series."""

from __future__ import annotations

from dataclasses import asdict

from PIL import Image, ImageDraw, ImageOps
from skimage import data

from photofind.images.alignment import SIDE, Features, align
from photofind.model.records import Photo
from photofind.search.verdicts import Verdict
from photofind.search.verification import are_takes, verdict_of
from tests.unit.images.test_alignment import cropped, features

PHOTO = Image.fromarray(data.astronaut())


def verdict(other: Image.Image, *, near: bool = True) -> Verdict:
    one, two = (Features(features(photo).grey, max(photo.size) / SIDE) for photo in (PHOTO, other))
    return verdict_of(asdict(align(one, two)), near=near)


def with_a_thing(photo: Image.Image) -> Image.Image:
    """Return a photo of which a fifth is covered."""
    copy = photo.copy()
    ImageDraw.Draw(copy).rectangle((90, 200, 400, 370), "white", "black", 4)
    return copy


def test_a_covered_copy_is_the_same_picture_where_its_fingerprint_is_near() -> None:
    small = with_a_thing(PHOTO).resize((256, 256))
    assert verdict(with_a_thing(PHOTO)) == ("covered",)
    assert verdict(small) == ("covered", "rescaled")
    assert verdict(small, near=False) is None


def test_a_frame_in_which_something_moved_is_another_picture() -> None:
    """A camera that is held moves by a little between two frames of a series."""
    moved = PHOTO.crop((10, 10, 512, 512)).rotate(0.4, Image.Resampling.BICUBIC)
    assert verdict(with_a_thing(moved)) is None
    assert verdict(moved) is not None


def test_takes_are_told_by_their_seconds() -> None:
    """In the frames of a camera that stands still something moves, and covers nothing."""
    one, same, next_second, day, nothing = (
        Photo("/p.jpg", captured=captured)
        for captured in (
            "2024-05-01T10:00:00",
            "2024-05-01T10:00:00.500+02:00",
            "2024-05-01T10:00:01",
            "2024-05-01",
            None,
        )
    )
    assert are_takes(one, next_second)
    assert not any(are_takes(one, other) for other in (one, same, day, nothing))


def test_all_that_was_done_is_named() -> None:
    part = cropped(PHOTO)
    assert verdict(part, near=False) == ("cropped",)
    assert verdict(ImageOps.mirror(part).resize((200, 200)), near=False) == (
        "mirrored",
        "cropped",
        "rescaled",
    )
