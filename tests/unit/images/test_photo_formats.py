from pathlib import Path

import pytest

from photofind.images import PHOTO_SUFFIXES, RAW_SUFFIXES, is_photo, sidecar_of


@pytest.mark.parametrize("name", ["a.jpg", "a.b.JPEG", "DSC_0001.NEF", "/x.y/é.HeIc", "p.tif"])
def test_photos_are_recognised_by_suffix_in_any_case(name):
    assert is_photo(name)


@pytest.mark.parametrize("name", ["jpg", ".jpg", "a.jpg.xmp", "a.txt", "a.psd", "a.eps", "a.jpg~"])
def test_other_files_are_not_photos(name):
    assert not is_photo(name)


def test_raw_suffixes_are_photo_suffixes():
    assert RAW_SUFFIXES < PHOTO_SUFFIXES


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.jpg.XMP", "a.xmp", "a.XMP"])
def test_a_sidecar_is_found(tmp_path: Path, name):
    (tmp_path / name).touch()
    found = sidecar_of(tmp_path / "a.jpg")
    assert found is not None
    assert found.samefile(tmp_path / name)


def test_the_sidecar_with_the_full_name_takes_precedence(tmp_path: Path):
    (tmp_path / "a.xmp").touch()
    (tmp_path / "a.jpg.xmp").touch()
    assert sidecar_of(tmp_path / "a.jpg") == tmp_path / "a.jpg.xmp"


def test_a_name_that_is_too_long_is_that_of_no_sidecar(tmp_path: Path):
    photo = tmp_path / f"{'x' * 250}.jpg"
    photo.touch()
    assert sidecar_of(photo) is None
    (tmp_path / f"{'x' * 250}.xmp").touch()
    assert sidecar_of(photo) == tmp_path / f"{'x' * 250}.xmp"


def test_no_sidecar(tmp_path: Path):
    (tmp_path / "b.xmp").touch()
    (tmp_path / "a.xmp").mkdir()
    assert sidecar_of(tmp_path / "a.jpg") is None
