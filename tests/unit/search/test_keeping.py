"""What is kept of a group of duplicates, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from photofind.images import notes
from photofind.model import DuplicateGroup, Proposal
from photofind.model.records import Photo
from photofind.search.keeping import among, propose

PHOTO = Photo(
    "/photos/a.jpg", 1000, 10**18, content="aa", width=400, height=300, format="JPEG", id=1
)


def other(identifier: int, **changes: object) -> Photo:
    values = {"path": f"/photos/{identifier}.jpg", "content": f"c{identifier}", **changes}
    return replace(PHOTO, id=identifier, **values)


def proposed(
    *photos: Photo, rule: str = "best", quality: Mapping[int, int] | None = None, **options: object
) -> Proposal:
    known = quality or {}
    return propose(photos, rule, quality=lambda photo: known.get(photo.id), **options)


@pytest.mark.parametrize(
    ("better", "reason"),
    [
        ({"width": 401}, "most pixels (401 × 300)"),
        ({"camera": "Leica"}, "original of Leica"),
        ({"format": "PNG"}, "saved without loss"),
        ({"size": 1001}, "largest file: the most detail"),
        ({"modified": 10**17}, "oldest (1973"),
        ({"captured": "1999-05-01T10:00:00"}, "oldest (1999-05-01)"),
    ],
)
def test_the_best_is_kept_and_it_is_said_why(better: dict[str, object], reason: str) -> None:
    found = proposed(PHOTO, other(2, **better))
    assert (found.keep, found.trash) == ((2,), (1,))
    assert found.reason.startswith(reason)


def test_of_takes_of_a_scene_the_sharpest_is_kept_whatever_the_cameras_quality() -> None:
    blurred = other(2, size=900)
    qualities = {1: 90, 2: 97}
    assert proposed(PHOTO, blurred, quality=qualities).keep == (2,)
    found = proposed(PHOTO, blurred, quality=qualities, takes=True)
    assert (found.keep, found.reason) == ((1,), "largest file: likely the sharpest")


@pytest.mark.parametrize(
    "name", ["a copy", "a (1)", "a-edited", "IMG-20210503-WA0012", "a_export", "a again", "a_thumb"]
)
def test_an_original_goes_before_what_is_named_like_a_copy(name: str) -> None:
    found = proposed(other(2, path=f"/photos/{name}.jpg"), PHOTO)
    assert (found.keep, found.reason) == ((1,), "not named like a copy or an export")


@pytest.mark.parametrize("name", ["photocopier", "websites", "Edith", "again and again.2"])
def test_names_that_only_look_like_those_of_copies(name: str) -> None:
    assert proposed(other(2, path=f"/p/{name}.jpg"), other(3, path=f"/p/{'b' * 30}.jpg")).keep == (
        2,
    )


def test_the_quality_decides_between_equal_pixels_and_is_not_asked_before() -> None:
    assert proposed(PHOTO, other(2), quality={1: 50, 2: 95}).reason == "JPEG quality 95"

    def ask(photo: Photo) -> int:
        raise AssertionError(photo)

    assert propose([PHOTO, other(2, width=500)], "best", quality=ask).keep == (2,)
    same = other(2, content=PHOTO.content, modified=10**17)
    assert propose([PHOTO, same], "best", quality=ask).keep == (2,)


def test_all_reasons_that_told_photos_apart_are_said() -> None:
    found = proposed(
        other(1, width=100), other(2, camera="Leica"), PHOTO, other(4, camera="Leica", size=2000)
    )
    assert found.keep == (4,)
    assert (
        found.reason == "most pixels (400 × 300); original of Leica; largest file: the most detail"
    )


def test_rules() -> None:
    old = other(2, captured="2001-01-01T00:00:00")
    large = other(3, width=800, captured="2010-01-01T00:00:00")
    new = other(4, captured="2022-01-01T00:00:00", path="/keep/4.jpg")
    group = (old, large, new)
    assert proposed(*group, rule="largest").keep == (3,)
    assert proposed(*group, rule="oldest").keep == (2,)
    assert proposed(*group, rule="newest").keep == (4,)
    kept = proposed(*group, other(5, path="/keep/deep/5.jpg"), rule="/keep")
    assert (kept.keep, kept.trash) == ((4, 5), (2, 3))
    nothing = proposed(*group, rule="/elsewhere")
    assert (nothing.keep, nothing.trash) == ((2, 3, 4), ())
    assert nothing.reason == "none of them is in the folder to keep"


def test_an_undamaged_one_is_kept_beside_a_damaged_one() -> None:
    damaged = other(2, width=500, note=notes.PIXELS)
    found = proposed(PHOTO, damaged, other(3, width=300))
    assert (found.keep, found.trash) == ((2, 1), (3,))
    assert found.reason.endswith("it is damaged, so the best undamaged one is kept too")
    assert proposed(PHOTO, other(2, width=500, note=notes.HEADER)).keep == (2,)
    assert proposed(PHOTO, other(2, note=notes.PIXELS, size=900)).trash == (2,)
    assert proposed(damaged, other(4, width=300, note=notes.PIXELS)).trash == (4,)
    inside = proposed(PHOTO, replace(damaged, path="/keep/2.jpg"), rule="/keep")
    assert (inside.keep, inside.trash) == ((2, 1), ())


def test_raw_files_are_kept_beside_the_best_developed_one() -> None:
    raw = other(2, path="/photos/a.NEF", width=6000, format="NEF")
    small = other(3, width=100)
    found = proposed(raw, PHOTO, small)
    assert (found.keep, found.trash) == ((1, 2), (3,))
    assert "RAW files are kept" in found.reason
    again = replace(raw, id=4, path="/photos/copies/a.NEF")
    assert proposed(raw, again).trash == (4,)
    assert proposed(raw, again, PHOTO).keep == (1, 2)
    assert proposed(raw, other(5, path="/photos/b.NEF", format="NEF")).trash == ()


@pytest.mark.parametrize(
    "changes", [{"away": "card"}, {"failure": "it is damaged"}, {"content": "~cc"}]
)
def test_what_cannot_be_read_neither_stays_for_others_nor_goes(changes: dict[str, object]) -> None:
    lost = other(2, width=9000, **changes)
    assert proposed(lost, PHOTO).trash == ()
    found = proposed(lost, PHOTO, other(3, width=100))
    assert (found.keep, found.trash) == ((1,), (3,))


def test_what_is_out_of_reach_neither_stays_for_others_nor_goes() -> None:
    found = proposed(other(2, width=9000), PHOTO, other(3, width=100), unreachable={2})
    assert (found.keep, found.trash) == ((1,), (3,))


def test_across_folders_nothing_goes_from_beside_the_one_that_is_kept() -> None:
    photos = [other(2, width=500), PHOTO, other(3, path="/elsewhere/3.jpg")]
    assert proposed(*photos, across=True).trash == (3,)
    assert proposed(*photos).trash == (1, 3)


def test_groups_in_across_and_within_folders() -> None:
    group = DuplicateGroup(
        ("/a/1", "/a/2", "/b/3", "/b/4", "/c/5"), "same picture", 0.9, (1, 2, 3, 4, 5),
        ((), ("cropped",), ("rescaled",), (), ()),
    )  # fmt: skip
    pair = DuplicateGroup(("/a/6", "/a/7"), "identical content", 1.0, (6, 7))
    assert among([group, pair], None, "any") == [group, pair]
    assert among([group, pair], None, "across") == [group]
    within = among([group, pair], None, "within")
    assert [one.ids for one in within] == [(1, 2), (6, 7), (3, 4)]
    assert within[0].differences == ((), ("cropped",))
    assert within[2].differences == ()
    assert [one.ids for one in among([group, pair], "/b", "any")] == [(3, 4)]
    assert among([group, pair], "/c", "any") == []
