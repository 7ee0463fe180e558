"""Tags on photos of known classes: how often they are right, and what words find.

DIR is Corel-1K, one folder per class. Its photos, and those of scikit-image, are indexed with an
extractor that names tags. Then it prints, for several rules of what is shown: how many tags of the
photos are that were looked at, how often they are right, and how many photos have any, by what a
person saw in every fifth photo and in those of scikit-image (``tags_seen.json``). Then, for several
confidences from which a word is found: how often the words of the classes are right, and in how
many photos of their classes they are found (recall). Then P@10 of asking for each class by its
word: by the names of tags alone, as they are, and with wider words. All in percent.

    python benchmarks/tags.py corel-1k [--extractor efficientnet-lite0] [--home FOLDER]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import skimage
from common import photos_below, print_figures, print_table, without_graphs

from photofind.app.photofind import PhotoFind
from photofind.library.memory import MemoryStore
from photofind.model import words
from photofind.model.hierarchy import folded, meanings_of
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.search.tags import nearest_tags
from photofind.settings import set_setting

# From what confidence on a word is shown, by how many classes it is above.
RULES = ({1: 0.1}, {1: 0.5}, {1: 0.8}, {1: 0.8, 2: 0.7}, words.SURE_FROM, {1: 0.8, 2: 0.5, 10: 0.2})
LEAST = (0.1, 0.2, 0.3, 0.5, 0.8)
FIRST = 10
SEEN = Path(__file__).with_name("tags_seen.json")

# What a person would type for each class.
CLASSES = {
    "1_beaches": "beach",
    "2_monuments": "building",
    "3_buses": "bus",
    "4_dinosaurs": "dinosaur",
    "5_elephants": "elephant",
    "6_flowers": "flower",
    "7_horses": "horse",
    "8_mountains": "mountain",
    "9_food": "food",
}


def class_of(photo: Photo) -> str:
    return Path(photo.path).parent.name


def by_confidence(found: Iterable[tuple[float, Photo]]) -> list[Photo]:
    """Return photos that are surer than not at all, the surest first."""
    sure = [one for one in found if one[0]]
    return [photo for _, photo in sorted(sure, key=lambda one: (-one[0], one[1].path))]


def with_word(photos: Sequence[Photo], word: str) -> list[Photo]:
    """Return the photos that carry a word, or what it is nearest to, the surest first."""
    store = MemoryStore()
    store.commit(photos)
    (wanted,), _ = nearest_tags(store, [word])
    return by_confidence((words.confidence_in(photo, wanted), photo) for photo in photos)


def with_name(photos: Sequence[Photo], word: str) -> list[Photo]:
    """Return the photos with a tag whose name holds a word, the surest first."""
    return by_confidence(
        (
            max(
                (
                    confidence
                    for tags in photo.tags.values()
                    for name, confidence in tags.items()
                    if folded(word) in folded(name)
                ),
                default=0.0,
            ),
            photo,
        )
        for photo in photos
    )


def right_share(photos: Sequence[Photo], seen: dict[str, list[str]]) -> tuple[int, int, int]:
    """Return how many tags are shown of photos that were looked at, how many are right, and photos.

    A tag is right if the photo shows that or what lies below it.
    """
    shown = right = tagged = 0
    for photo in photos:
        key = f"{class_of(photo)}/{Path(photo.path).name}"
        if key not in seen:
            continue
        meant = {one for name in seen[key] for one in meanings_of(name)}
        true = meant | {above for one in meant for above in one.wider}
        found = [word for word in words.shown_in(photo) if word.meaning is not None]
        shown += len(found)
        right += sum(word.meaning in true for word in found)
        tagged += bool(found)
    return shown, right, tagged


def measure(photos: Sequence[Photo]) -> None:
    seen = json.loads(SEEN.read_text("utf-8"))
    corel = [photo for photo in photos if class_of(photo) in CLASSES or class_of(photo)[0] == "0"]
    rows = []
    for rule in RULES:
        with (
            mock.patch.object(words, "SURE_FROM", rule),
            mock.patch.object(words, "LEAST_CONFIDENCE", min(rule.values())),
        ):
            shown, right, tagged = right_share(photos, seen)
        told = ", ".join(f"{least} from {above}" for above, least in rule.items())
        rows.append([told, shown, percent(right, shown), percent(tagged, len(seen))])
    print_table(("shown (confidence from classes)", "tags", "right", "photos with any"), rows)
    rows = []
    of_classes = sum(class_of(photo) in CLASSES for photo in corel)
    for least in LEAST:
        with mock.patch.object(words, "LEAST_CONFIDENCE", least):
            found = {name: with_word(corel, word) for name, word in CLASSES.items()}
        hits = sum(class_of(photo) == name for name in found for photo in found[name])
        total = sum(len(some) for some in found.values())
        rows.append([least, percent(hits, total), percent(hits, of_classes)])
    print_table(("found from", "right", "recall"), rows)
    rows = []
    figures = {}
    for name, word in CLASSES.items():
        answers = with_name(corel, word), with_word(corel, word)
        first = [[class_of(photo) == name for photo in answer[:FIRST]] for answer in answers]
        found = [sum(class_of(photo) == name for photo in answer) for answer in answers]
        rows.append([word, *(percent(sum(one), FIRST) for one in first), *found])
        figures[word] = rows[-1][1:]
    means = np.mean([row[1:] for row in rows], axis=0).round(1).tolist()
    print_table(
        ("word", "P@10 by names", "P@10 by wider words", "found by names", "by wider words"),
        [*rows, ["mean", *means]],
    )
    print_figures("tags", {"words": figures, "mean": means})


def percent(part: int, whole: int) -> float:
    return round(100 * part / max(1, whole), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="Corel-1K, one folder per class")
    parser.add_argument("--extractor", default="efficientnet-lite0", help="what names tags")
    parser.add_argument("--home", type=Path, help="keep the library here, and use it again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        home = Home(arguments.home or Path(temporary, "home"))
        others = home.root.with_name(f"{home.root.name}-photos") / "skimage"
        if not others.exists():
            others.mkdir(parents=True)
            for path in photos_below(Path(skimage.__file__).parent / "data"):
                shutil.copy(path, others)
        set_setting(home.settings, "extractor", arguments.extractor)
        with PhotoFind(home) as photofind:
            for folder in (arguments.folder, others):
                photofind.add_folder(str(folder.resolve()))
            photofind.index()
            measure([*photofind._resources.library.select()])


if __name__ == "__main__":
    main()
