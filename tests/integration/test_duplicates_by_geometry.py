"""Copies that a fingerprint does not tell, found by geometry: with real files and a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance
from skimage import data

from photofind.app.photofind import PhotoFind
from photofind.model import DuplicateGroup, Query
from photofind.paths import Home
from photofind.search.verdicts import Verdicts
from tests.unit.images.test_fingerprint import letter

PHOTOS = {"cat": data.chelsea(), "coffee": data.coffee(), "astronaut": data.astronaut()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, pixels in PHOTOS.items():
        photo = Image.fromarray(pixels)
        width, height = photo.size
        photo.save(folder / f"{name}.jpg")
        photo.resize((width // 2, height // 2)).save(folder / f"{name} half.jpg")
        photo.crop((width // 6, height // 6, width, height)).save(folder / f"{name} cropped.png")
    brighter = ImageEnhance.Brightness(Image.fromarray(PHOTOS["coffee"])).enhance(1.3)
    brighter.save(folder / "coffee brighter.jpg", quality=50)
    Image.fromarray(PHOTOS["cat"]).rotate(10).save(folder / "cat turned.jpg", quality=50)
    for number in range(12):
        letter(number).save(folder / f"letter {number}.png")
    return folder


@pytest.fixture(scope="module")
def photofind(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhotoFind]:
    home = Home(tmp_path_factory.mktemp("home"))
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(folder))
        photofind.index()
        yield photofind


def found_by(photofind: PhotoFind) -> list[DuplicateGroup]:
    """Return the groups when nothing is left to compare."""
    found = photofind.duplicates()
    while photofind.status().uncompared:
        found = photofind.duplicates()
    return found


def described(groups: list[DuplicateGroup]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return what was done to each photo, by the first of its group."""
    return {
        Path(group.paths[0]).name: {
            Path(path).name: done
            for path, done in zip(group.paths[1:], group.differences[1:], strict=True)
        }
        for group in groups
    }


def test_crops_and_turned_copies_are_found_and_no_other(photofind: PhotoFind) -> None:
    expected: dict[str, dict[str, tuple[str, ...]]] = {
        f"{name}.jpg": {
            f"{name} half.jpg": ("rescaled",),
            f"{name} cropped.png": ("cropped", "saved as PNG"),
        }
        for name in PHOTOS
    }
    expected["cat.jpg"]["cat turned.jpg"] = ("rotated",)
    expected["coffee.jpg"]["coffee brighter.jpg"] = ("retouched",)
    assert described(found_by(photofind)) == expected


def test_what_was_compared_once_is_known_and_holds_for_hits(
    photofind: PhotoFind, folder: Path
) -> None:
    found = found_by(photofind)
    moved = folder.rename(folder.with_name("moved"))
    try:  # There is no file any more that could be compared.
        with PhotoFind(photofind.home) as another:
            assert found_by(another) == found
    finally:
        moved.rename(folder)
    query = Query((str(folder / "coffee.jpg"),), limit=40, min_score=0.0)
    hits = {Path(hit.path).name: hit for hit in photofind.similar(query).hits}
    together = next(hit for hit in hits.values() if "cat" in hit.path)
    assert {Path(path).name for path in (together.path, *together.copies)} >= {
        "cat.jpg",
        "cat cropped.png",
    }


def test_what_there_was_no_time_to_compare_is_said_and_compared_the_next_time(
    photofind: PhotoFind, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_by(photofind)
    (photofind.home.cache / "verdicts.sqlite").unlink()
    with PhotoFind(photofind.home) as another:
        monkeypatch.setattr("photofind.search.searcher.SECONDS", -1.0)
        assert len(described(another.duplicates())["cat.jpg"]) < 3
        comparing = another.status().comparing
        assert comparing is not None
        assert comparing.done == 0 < another.status().uncompared
        monkeypatch.undo()
        assert found_by(another) == found
        assert another.status().comparing is None


def test_a_damaged_file_of_verdicts_is_begun_anew(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path / "verdicts")
    verdicts.add({("a", "b"): ("cropped", "bordered"), ("a", "c"): None, ("b", "c"): ()})
    assert verdicts.of([("a", "b"), ("a", "c"), ("x", "y")]) == {
        ("a", "b"): ("cropped", "bordered"),
        ("a", "c"): None,
    }
    assert verdicts.among(["a", "b", "c"]) == {("a", "b"), ("b", "c")}
    (tmp_path / "verdicts").write_bytes(b"no database" * 1000)
    assert verdicts.of([("a", "b")]) == {}
    verdicts.add({("a", "b"): ()})
    assert verdicts.of([("a", "b")]) == {("a", "b"): ()}
