"""What two photos have in common beside what they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from skimage import data

from photofind.images.fingerprint import fingerprint_of
from photofind.learning.explanation.facts import facts
from photofind.library.memory.store import MemoryStore
from photofind.model.records import Photo, pair_of

ONE = Photo("/a.jpg", content="a" * 32, captured="2021-05-03T14:30:00")
OTHER = Photo("/b.jpg", content="b" * 32, captured="2021-05-03T14:31:30")


def known(one: dict[str, Any], other: dict[str, Any]) -> Any:
    return facts(MemoryStore(), replace(ONE, **one), replace(OTHER, **other), None)


def test_one_content_is_identical_and_near_fingerprints_are_one_picture():
    assert known({}, {}).same is None
    assert known({}, {"content": ONE.content}).same == "identical content"
    pixels = data.astronaut()
    one, other = (fingerprint_of(Image.fromarray(taken)) for taken in (pixels, pixels[::2, ::-2]))
    assert known({"fingerprint": one}, {"fingerprint": other}).same == "same picture"
    elsewhere = fingerprint_of(Image.fromarray(data.chelsea()))
    assert known({"fingerprint": one}, {"fingerprint": elsewhere}).same is None


def test_what_a_person_told_apart_is_not_the_same_picture():
    store = MemoryStore()
    store.tell_apart([pair_of(ONE.content, OTHER.content)])
    print_ = fingerprint_of(Image.fromarray(data.astronaut()))
    one, other = (replace(photo, fingerprint=print_) for photo in (ONE, OTHER))
    assert facts(store, one, other, None).same is None


def test_tags_and_keywords_of_both_are_shared_the_surest_first():
    one = {"keywords": ("Beach",), "tags": {"x@1": {"dog": 0.4, "sea": 0.9, "cat": 0.2}}}
    other = {"keywords": ("sea",), "tags": {"y@1": {"dog": 0.8, "beach": 0.5}}}
    assert known(one, other).tags == ("sea", "Beach", "dog")


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [
        ("2021-05-03T14:30:00", "2021-05-03T14:31:30", 90),
        ("2021-05-03T14:30:00+02:00", "2021-05-03T14:30:10", 10),
        ("2021-05-03", "2021-05-04T14:31:30", 86400),
        ("2021-05", "2021-05-04T14:31:30", None),
        (None, "2021-05-04T14:31:30", None),
    ],
)
def test_how_long_lies_between_them(one, other, seconds):
    assert known({"captured": one}, {"captured": other}).seconds_apart == seconds


def test_how_far_they_are_apart():
    vienna = {"latitude": 48.2082, "longitude": 16.3738}
    linz = {"latitude": 48.3069, "longitude": 14.2858}
    assert known(vienna, linz).metres_apart == pytest.approx(155_000, rel=0.01)
    assert known(vienna, vienna).metres_apart == 0
    assert known(vienna, {}).metres_apart is None


def test_the_camera_of_both():
    assert known({"camera": "Canon"}, {"camera": "Canon"}).camera == "Canon"
    assert known({"camera": "Canon"}, {"camera": "Nikon"}).camera is None
    assert known({"camera": ""}, {"camera": ""}).camera is None
