"""Photos found by a photo, by words, and by both, with each weight of the words.

DIR is Corel-1K, one folder per class. Its photos are indexed under names that say nothing, so words
are found in tags alone, or in the keywords that some photos have: a third of each class has
the right one, and one in fifty photos a wrong one. A hit is right if it is of the query's class.
P@10 and P@50, in percent. "Names of tags" are tags as the extractor gives them, without wider
words.

    python benchmarks/words_and_pictures.py corel-1k --extractor mobilenet --tags efficientnet-lite0
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from common import photos_below, print_figures, print_table, without_graphs

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.model import words as words_of_photos
from photofind.paths import Home
from photofind.settings import set_setting

WORDS = {
    "africans": "people", "beaches": "beach", "monuments": "building", "buses": "bus",
    "dinosaurs": "dinosaur", "elephants": "elephant", "flowers": "flower", "horses": "horse",
    "mountains": "mountain", "food": "food",
}  # fmt: skip
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag>
</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def named(folder: Path, into: Path, *, keywords: bool) -> dict[str, str]:
    """Copy photos under names that say nothing; return their words by their paths."""
    chosen = random.Random(1)
    words: dict[str, str] = {}
    photos = [*photos_below(folder)]
    for number, photo in enumerate(chosen.sample(photos, len(photos))):
        copy = into / f"{number:04}{photo.suffix.lower()}"
        shutil.copyfile(photo, copy)
        words[str(copy)] = next(w for n, w in WORDS.items() if n in photo.parent.name)
        keyword = words[str(copy)] if chosen.random() < 1 / 3 else None
        if chosen.random() < 1 / 50:
            keyword = chosen.choice([one for one in WORDS.values() if one != words[str(copy)]])
        if keywords and keyword:
            copy.with_suffix(".xmp").write_text(SIDECAR.format(keyword))
    return words


def precisions(photofind: PhotoFind, words: dict[str, str], queries: list[Query]) -> list[float]:
    """Return P@10 and P@50 of queries, whose words or photos say which class is right."""
    shares = []
    for query in queries:
        wanted = query.words or words[str(query.like[0])]
        hits = photofind.similar(query).hits
        right = [words[hit.path] == wanted for hit in hits]
        shares.append([sum(right[:k]) / k for k in (10, 50)])
    return [round(100 * one, 1) for one in np.mean(shares, axis=0)]


def rows(photofind: PhotoFind, words: dict[str, str], every: int) -> Iterator[list[object]]:
    """Yield the figures of each way to ask."""
    asked = sorted(words, key=lambda path: (words[path], path))[::every]

    def query(path: str | None, **fields: object) -> Query:
        like = () if path is None else (path,)
        return Query(like, limit=50, every=True, any_rotation=False, **fields)  # type: ignore[arg-type]

    yield ["photo alone", *precisions(photofind, words, [query(path) for path in asked])]
    alone = [query(None, words=one) for one in WORDS.values()]
    with mock.patch.object(words_of_photos, "_meanings", return_value=((), ())):
        yield ["names of tags or keywords alone", *precisions(photofind, words, alone)]
    yield ["words alone", *precisions(photofind, words, alone)]
    for weight in WEIGHTS:
        both = [query(path, words=words[path], words_weight=weight) for path in asked]
        yield [f"both, words {weight}", *precisions(photofind, words, both)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="Corel-1K, one folder per class")
    parser.add_argument("--extractor", default="mobilenet", help="compares photos")
    parser.add_argument("--tags", default="efficientnet-lite0", help="names tags")
    parser.add_argument("--only", choices=("tags", "keywords"), help="where words are found")
    parser.add_argument("--home", type=Path, help="keep photos and library here")
    parser.add_argument("--every", type=int, default=10, help="each so many-th photo is a query")
    arguments = parser.parse_args()
    measured = []
    for what in (arguments.only,) if arguments.only else ("tags", "keywords"):
        with tempfile.TemporaryDirectory() as temporary, without_graphs():
            kept = Path(arguments.home or temporary, what)
            photos = kept / "photos"
            photos.mkdir(parents=True, exist_ok=True)
            words = named(arguments.folder, photos, keywords=what == "keywords")
            home = Home(kept / "home")
            set_setting(home.settings, "extractor", arguments.extractor)
            if what == "tags":
                set_setting(home.settings, "also", arguments.tags)
            with PhotoFind(home) as photofind:
                photofind.add_folder(str(photos))
                photofind.index()
                measured += [[what, *row] for row in rows(photofind, words, arguments.every)]
    print_table(["words in", "asked with", "P@10", "P@50"], measured)
    figures = {f"{one[0]}, {one[1]}": {"P@10": one[2], "P@50": one[3]} for one in measured}
    print_figures("words_and_pictures", figures)


if __name__ == "__main__":
    main()
