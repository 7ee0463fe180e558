from __future__ import annotations

import os
from pathlib import Path

import pytest

from photofind.indexing.reachability import mounts, mounts_of, out_of_reach, suspicion
from photofind.model.records import Photo


def test_every_file_lies_on_a_mount(tmp_path):
    assert mounts_of([str(tmp_path / "a.jpg")], mounts())


def test_files_belong_to_the_innermost_mount(tmp_path):
    drive = tmp_path.resolve() / "drive"
    mounted = {tmp_path.anchor, str(tmp_path.resolve()), str(drive), str(tmp_path / "other")}
    photos = [str(drive / "deep" / "a.jpg"), str(drive / "b.jpg"), str(drive) + "way.jpg"]
    assert mounts_of(photos, mounted) == {str(drive), str(tmp_path.resolve())}


def test_photos_are_out_of_reach_where_their_mount_is_gone(tmp_path):
    drive, other = tmp_path.resolve() / "drive", tmp_path.resolve() / "other"
    photos = [Photo(str(drive / "a.jpg")), Photo(str(other / "b.jpg"))]
    recorded = [str(drive), str(other)]
    assert out_of_reach(photos, recorded, recorded) == {}
    assert out_of_reach(photos, recorded, [str(other)]) == {str(drive): [photos[0]]}


if os.name == "posix":

    def test_links_lead_to_the_mount_of_what_they_lead_to(tmp_path):
        drive = tmp_path.resolve() / "drive"
        drive.mkdir()
        (tmp_path / "link").symlink_to(drive)
        photo = Photo(str(tmp_path / "link" / "a.jpg"))
        assert mounts_of([photo.path], {str(drive)}) == {str(drive)}
        assert out_of_reach([photo], [str(drive)], ["/"]) == {str(drive): [photo]}


@pytest.mark.parametrize(
    ("gone", "known", "is_suspicious"),
    [(0, 100, False), (90, 100, False), (91, 100, True), (100, 100, True), (19, 19, False)],
)
def test_nearly_all_of_many_is_suspicious(tmp_path, gone, known, is_suspicious):
    (tmp_path / "notes.txt").touch()
    photos = [Photo(str(tmp_path / f"{number}.jpg")) for number in range(gone)]
    assert bool(suspicion(str(tmp_path), photos, known)) == is_suspicious


def test_an_empty_folder_is_suspicious_however_few_photos_it_had(tmp_path):
    photos = [Photo(str(tmp_path / "a.jpg"))]
    assert "it is empty" in suspicion(str(tmp_path), photos, 1)
    Path(tmp_path / "sub").mkdir()
    assert suspicion(str(tmp_path), photos, 1) is None


def test_files_that_are_still_there_did_not_vanish(tmp_path):
    photos = [Photo(str(tmp_path / f"{number}.jpg")) for number in range(30)]
    for photo in photos:
        Path(photo.path).touch()
    assert suspicion(str(tmp_path), photos, 30) is None
