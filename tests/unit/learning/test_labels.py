"""Labelled photos are read from folders and CSV files; what cannot be is one clear line."""

from pathlib import Path

import pytest

from photofind.errors import LearningError
from photofind.learning.labels import enough_labels, read_labels


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(root)


def test_each_folder_is_a_class_with_all_below_it(tmp_path):
    root = make(
        tmp_path, "cats/a.jpg", "cats/more/b.PNG", "cats/notes.txt", "dogs/c.jpg", "dogs/.d.jpg",
        ".hidden/e.jpg", "loose.jpg",
    )  # fmt: skip
    photos = read_labels(root)
    assert [path.removeprefix(root) for path in photos.paths] == [
        "/cats/a.jpg", "/cats/more/b.PNG", "/dogs/c.jpg",
    ]  # fmt: skip
    assert photos.labels == ("cats", "cats", "dogs")
    assert photos.codes.tolist() == [0, 0, 1]
    assert photos.kind == "classes"
    assert photos.notes == ("1 photo outside of the class folders left out",)


@pytest.mark.parametrize("text", [
    "path,label\na.jpg,cat\nsub/b.jpg,dog\n",
    "a.jpg,cat\nsub/b.jpg,dog\n",
    "\ufefflabel;note;file\ncat;x;a.jpg\ndog;y;sub/b.jpg\n",
])  # fmt: skip
def test_csv_is_read_with_and_without_a_header(tmp_path, text):
    make(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    photos = read_labels(str(tmp_path))
    assert photos.paths == (str(tmp_path / "a.jpg"), str(tmp_path / "sub" / "b.jpg"))
    assert photos.labels == ("cat", "dog")
    assert read_labels(str(tmp_path / "labels.csv")).paths == photos.paths


def test_csv_of_scenes_says_so(tmp_path):
    make(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "x.csv").write_text("path,scene\na.jpg,1\nb.jpg,2\n")
    assert read_labels(str(tmp_path / "x.csv")).kind == "scenes"


@pytest.mark.parametrize(("names", "table", "line"), [
    ((), None, "there are no photos in the folders of"),
    (("a.jpg",), None, "the 1 photo in .* have no labels"),
    (("a.jpg",), "path,label\na.jpg,x\nb.jpg,x\n", "1 of the 2 photos .* missing, such as b.jpg"),
    (("a.jpg",), "path,label\na.jpg,x\na.jpg,y\n", "two labels, 'x' and 'y'"),
    (("a.jpg",), "path,label\na.jpg\n", "a line without a path and a label"),
    ((), "path,label\n", "names no photos"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_line(tmp_path, names, table, line):
    make(tmp_path, *names)
    if table:
        (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(LearningError, match=line) as raised:
        read_labels(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_other_files_are_no_csv(tmp_path):
    root = Path(make(tmp_path, "a/1.jpg"))
    with pytest.raises(LearningError, match="is a photo, and neither"):
        read_labels(str(root / "a" / "1.jpg"))
    other = tmp_path / "labels.xls"
    other.write_bytes("path,label\n".encode("utf-16"))
    with pytest.raises(LearningError, match="is no CSV file of paths and labels") as refused:
        read_labels(str(other))
    assert "UTF-8" in str(refused.value)


def test_missing_folder(tmp_path):
    with pytest.raises(LearningError, match="there is no folder or CSV file"):
        read_labels(str(tmp_path / "none"))


def test_classes_of_one_photo_are_left_out(tmp_path):
    photos = read_labels(make(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg"))
    enough = enough_labels(photos)
    assert enough.classes == ("a", "b")
    assert enough.notes == ("1 class left out that has a single photo: 'c'",)


def test_one_class_is_not_enough(tmp_path):
    with pytest.raises(LearningError, match=r"all photos in .* have the label 'a'"):
        enough_labels(read_labels(make(tmp_path, "a/1.jpg", "a/2.jpg")))


def test_two_classes_of_one_photo_are_not_enough(tmp_path):
    with pytest.raises(LearningError, match="fewer than two labels have 2 photos"):
        enough_labels(read_labels(make(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg")))


def test_single_photos_stay_among_scenes(tmp_path):
    root = make(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg")
    assert len(enough_labels(read_labels(root, scenes=True))) == 5
