"""What scores mean: how often photos of different classes reach one, and how it moves in growth.

DIR has one folder per class, whose photos are related and no others. Every photo is a query. Prints
for scores of 0.5 and 0.7 one of how many pairs of different classes reaches them (false), and how
many of the pairs that do are of one class (precision, in percent). With ``--growth`` the photos are
added step by step instead, and printed is how far the scores of the first ten with each other move.

    python benchmarks/scores.py DIR [--growth]
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from common import photos_below, print_figures, print_table, without_graphs

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.paths import Home

STEPS = (10, 20, 31, 32, 33, 64, 100, 200, 400, 700, 1000)
WATCHED = 10


def scores(photofind: PhotoFind, query: Path, count: int) -> dict[str, float]:
    """Return the scores of so many photos by their paths."""
    answer = photofind.similar(Query((str(query),), limit=count, every=True, min_score=0))
    return {hit.path: hit.score for hit in answer.hits if hit.path != str(query)}


def measure_meaning(photos: list[Path], folder: Path, home: Path) -> list[list]:
    reached: Counter[tuple[float, bool]] = Counter()
    pairs = 0
    with PhotoFind(Home(home)) as photofind:
        photofind.add_folder(str(folder.resolve()))
        photofind.index()
        for query in photos:
            for path, score in scores(photofind, query, len(photos)).items():
                related = Path(path).parent.name == query.parent.name
                pairs += not related
                reached.update((at, related) for at in (0.5, 0.7) if score >= at)
    rows = []
    for at in (0.5, 0.7):
        right, wrong = reached[at, True], reached[at, False]
        precision = round(100 * right / max(1, right + wrong), 1)
        rows.append([at, f"1 in {round(pairs / max(1, wrong))}", precision, right])
    return rows


def measure_growth(photos: list[Path], root: Path) -> list[list]:
    random.Random(0).shuffle(photos)
    folder, rows = root / "photos", []
    folder.mkdir()
    watched = [folder / f"{number:05}.jpg" for number in range(WATCHED)]
    before: list[dict[str, float]] = []
    done = 0
    with PhotoFind(Home(root / "home")) as photofind:
        photofind.add_folder(str(folder))
        for step in (step for step in STEPS if step <= len(photos)):
            for number in range(done, step):
                shutil.copy(photos[number], folder / f"{number:05}.jpg")
            done = step
            photofind.index()
            after = [scores(photofind, query, step) for query in watched]
            moved = [
                abs(new[str(path)] - old[str(path)])
                for new, old in zip(after, before, strict=False)
                for path in watched
                if str(path) in new and str(path) in old
            ]
            if moved:
                rows.append([step, round(sum(moved) / len(moved), 3), round(max(moved), 3)])
            before = after
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--growth", action="store_true", help="add the photos step by step")
    arguments = parser.parse_args()
    photos = photos_below(arguments.folder)
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        if arguments.growth:
            columns = ["photos", "moved, mean", "at most"]
            rows = measure_growth(photos, Path(temporary))
        else:
            columns = ["score", "false", "precision", "pairs of one class"]
            rows = measure_meaning(photos, arguments.folder, Path(temporary))
    print_table(columns, rows)
    print_figures("scores", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
