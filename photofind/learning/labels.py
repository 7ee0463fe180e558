"""Labelled photos: class folders, a CSV of labels, or groups of photos of one scene."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.images.formats import is_photo
from photofind.model.counted import counted

__all__ = ["LabelKind", "Labelled", "LabelledPhotos", "enough_labels", "read_labels"]

LabelKind = Literal["classes", "scenes"]
Places = npt.NDArray[np.intp]

CSV_NAME = "labels.csv"
_PATH_COLUMNS = frozenset({"path", "file", "filename", "file_name", "image", "photo"})
_CLASS_COLUMNS = frozenset({"label", "class", "category"})
_SCENE_COLUMNS = frozenset({"scene", "group"})
_START = 4096  # Bytes that tell text from other files.
_ADVICE = "save it as CSV in UTF-8, with the columns path and label"


class Labelled:
    """Photos that have one label each.

    Attributes
    ----------
    labels
        One for each photo.
    """

    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The different labels, in alphabetical order."""
        return tuple(sorted(set(self.labels)))

    @property
    def codes(self) -> Places:
        """The label of each photo as its place in :attr:`classes`, (n,)."""
        places = {label: place for place, label in enumerate(self.classes)}
        return np.array([places[label] for label in self.labels], np.intp)


@dataclass(frozen=True)
class LabelledPhotos(Labelled):
    """Photos, each with one label.

    Parameters
    ----------
    source
        The folder or the CSV that they come from; absolute.
    kind
        Whether a label names a class, such as "horses", or a scene, of which there are few photos
        each. A scene is searched for; there is nothing to classify.
    paths
        Absolute, each once, in the order of their labels and names.
    labels
        One for each path.
    notes
        What was left out, a line each.
    """

    source: str
    kind: LabelKind
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def select(self, places: Sequence[int] | Places, *notes: str) -> LabelledPhotos:
        """Return some of the photos, in the order of ``places``, with more notes."""
        return LabelledPhotos(
            self.source,
            self.kind,
            tuple(self.paths[place] for place in places),
            tuple(self.labels[place] for place in places),
            (*self.notes, *notes),
        )


def read_labels(source: str, *, scenes: bool = False) -> LabelledPhotos:
    """Read which photos there are, and their labels. No photo is opened.

    Parameters
    ----------
    source
        A folder with one folder of photos for each class; or a CSV file with a column of paths
        (relative to the file) and one of labels; or a folder that holds such a file by the name
        ``labels.csv``.
    scenes
        Whether labels name scenes. A CSV whose column is called ``scene`` or ``group`` says so
        itself.

    Raises
    ------
    LearningError
        There are no such photos, or the CSV names files that are missing.
    """
    path = Path(source)
    if path.is_file():
        found = _read_csv(path, scenes=scenes)
    elif not path.is_dir():
        raise LearningError(f"there is no folder or CSV file {source}")
    elif (path / CSV_NAME).is_file():
        found = _read_csv(path / CSV_NAME, scenes=scenes)
    else:
        found = _read_folders(path, scenes=scenes)
    return found


def enough_labels(photos: LabelledPhotos, least: int = 2) -> LabelledPhotos:
    """Return the photos of those labels that have at least ``least`` photos.

    Of scenes all photos stay, because a single one is still in the way of others.

    Raises
    ------
    LearningError
        There are fewer than two such labels.
    """
    counts = Counter(photos.labels)
    small = sorted(label for label, count in counts.items() if count < least)
    many = [label for label in counts if counts[label] >= least]
    if len(counts) == 1:
        raise LearningError(
            f"all photos in {photos.source} have the label {photos.labels[0]!r}",
            "give at least two classes, each in a folder of its own",
        )
    if len(many) < 2:
        raise LearningError(
            f"in {photos.source} fewer than two labels have {least} photos or more",
            f"{small[0]!r} for one has {counted(counts[small[0]], 'photo')}; add more",
        )
    if not small or photos.kind == "scenes":
        return photos
    kept = [place for place, label in enumerate(photos.labels) if counts[label] >= least]
    named = ", ".join(repr(label) for label in small[:3]) + (", …" if len(small) > 3 else "")
    classes = counted(len(small), "class", "classes")
    fewer = f"fewer than {least} photos" if least > 2 else "a single photo"
    has = "has" if len(small) == 1 else "have"
    return photos.select(kept, f"{classes} left out that {has} {fewer}: {named}")


def _read_folders(root: Path, *, scenes: bool) -> LabelledPhotos:
    paths: list[str] = []
    labels: list[str] = []
    loose = 0
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            for path in _photos_below(entry.path):
                paths.append(path)
                labels.append(entry.name)
        else:
            loose += is_photo(entry.name)
    if not paths:
        if loose:
            raise LearningError(
                f"the {counted(loose, 'photo')} in {root} have no labels",
                "put the photos of each class in a folder of their own, or write a CSV of labels",
            )
        raise LearningError(f"there are no photos in the folders of {root}")
    outside = f"{counted(loose, 'photo')} outside of the class folders left out"
    kind: LabelKind = "scenes" if scenes else "classes"
    return LabelledPhotos(str(root), kind, tuple(paths), tuple(labels), (outside,) if loose else ())


def _photos_below(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_photo(name) and not name.startswith("."):
                yield os.path.join(place, name)  # noqa: PTH118


def _read_csv(file: Path, *, scenes: bool) -> LabelledPhotos:
    rows = _rows(file)
    path_column, label_column, in_header, has_header = _columns(rows[0] if rows else [])
    labels: dict[str, str] = {}
    missing: list[str] = []
    for row in rows[has_header:]:
        cells = [row[column].strip() if column < len(row) else ""
                 for column in (path_column, label_column)]  # fmt: skip
        if not all(cells):
            raise LearningError(
                f"{file} has a line without a path and a label: {','.join(row)!r}", _ADVICE
            )
        name, label = cells
        path = os.path.abspath(file.parent / name)  # noqa: PTH100
        if labels.setdefault(path, label) != label:
            raise LearningError(f"{file} gives {name} two labels, {labels[path]!r} and {label!r}")
        if not Path(path).is_file():
            missing.append(name)
    if missing:
        raise LearningError(
            f"{len(missing):,} of the {counted(len(labels), 'photo')} in {file} "
            f"{'is' if len(missing) == 1 else 'are'} missing, such as "
            f"{missing[0]}",
            "paths are relative to the file; correct them, or remove these lines",
        )
    if not labels:
        raise LearningError(f"{file} names no photos")
    kind: LabelKind = "scenes" if scenes or in_header == "scenes" else "classes"
    ordered = sorted(labels, key=lambda path: (labels[path], path))
    return LabelledPhotos(str(file), kind, tuple(ordered), tuple(labels[path] for path in ordered))


def _rows(file: Path) -> list[list[str]]:
    if is_photo(file.name):
        raise LearningError(
            f"{file} is a photo, and neither a folder nor a CSV file of labels",
            "give the folder that holds a folder of photos for each class",
        )
    try:
        with file.open("rb") as start:
            if b"\0" in start.read(_START):  # No text has one.
                raise LearningError(f"{file} is no CSV file of paths and labels", _ADVICE)
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            first = lines.readline()
            lines.seek(0)
            delimiter = max(",;\t", key=first.count)
            return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except (OSError, csv.Error) as error:
        raise LearningError(f"{file} cannot be read as a CSV file: {error}") from error


def _columns(first: Sequence[str]) -> tuple[int, int, LabelKind, bool]:
    """Return the places of paths and labels, what labels name, and whether this is a header."""
    names = [name.strip().lower() for name in first]
    paths = [place for place, name in enumerate(names) if name in _PATH_COLUMNS]
    for columns, kind in ((_CLASS_COLUMNS, "classes"), (_SCENE_COLUMNS, "scenes")):
        found = [place for place, name in enumerate(names) if name in columns]
        if paths and found:
            return paths[0], found[0], "scenes" if kind == "scenes" else "classes", True
    return 0, 1, "classes", False
