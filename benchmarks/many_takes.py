"""How far scores move when most of a library are takes of a few pictures.

Every second photo of a folder becomes a library. Then takes are added until they are 20, 50 and
90 % of it: frames of a time-lapse of one photo, or bursts of a tenth of the photos. After each step
the same pairs of photos are scored again. Prints how far their scores moved, and the scores of
takes of one picture. Without a folder it makes photos of its own.

    python benchmarks/many_takes.py [DIR]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from common import photos_below, print_figures, print_table, without_graphs
from PIL import Image, ImageDraw

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.paths import Home

SHARES = (20, 50, 90)
QUERIES = 50


def made_photos(folder: Path, count: int) -> Iterator[Path]:
    """Make photos of shapes of one of ten colours and sizes on a gradient."""
    for number in range(count):
        random = np.random.default_rng(number)
        kind = np.random.default_rng(1_000_000 + number % 10)
        top, bottom = kind.integers(0, 256, (2, 3)) + random.integers(-20, 20, (2, 3))
        ramp = np.linspace(top, bottom, 256)[:, np.newaxis].repeat(384, axis=1)
        image = Image.fromarray(ramp.clip(0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        draw_shape = (draw.ellipse, draw.rectangle)[number % 2]
        colour, size = tuple(kind.integers(0, 256, 3).tolist()), int(kind.integers(20, 120))
        for x, y in random.integers(0, (384, 256), (12, 2)).tolist():
            draw_shape((x, y, x + size, y + size), fill=colour, outline="black")
        path = folder / f"{number:05}.jpg"
        image.save(path, quality=90)
        yield path


def make_takes(sources: list[Path], folder: Path, numbers: Iterable[int]) -> None:
    """Make takes of photos in turn: with other light, other noise, and moved by a few pixels."""
    pictures = [np.asarray(Image.open(path).convert("RGB"), np.float32) for path in sources]
    for number in numbers:
        random = np.random.default_rng(number)
        picture = pictures[number % len(pictures)]
        light = 1 + 0.05 * np.sin(number / 50)
        moved = np.roll(picture, tuple(random.integers(-2, 3, 2)), axis=(0, 1))
        take = moved * light + random.normal(0, 2, picture.shape)
        Image.fromarray(take.clip(0, 255).astype(np.uint8)).save(folder / f"{number:06}.jpg")


def score(photofind: PhotoFind, query: Path, photos: int) -> dict[str, float]:
    """Return the score of each of so many photos; a photo has 1 with itself."""
    answer = photofind.similar(Query((str(query),), limit=photos, every=True, min_score=0))
    return {str(query): 1.0} | {hit.path: hit.score for hit in answer.hits}


def measure(photos: list[Path], sources: list[Path], root: Path) -> list[list]:
    """Return a row for each share of takes."""
    queries = photos[:: max(1, len(photos) // QUERIES)]
    ordinary, takes = root / "ordinary", root / "takes"
    ordinary.mkdir(parents=True)
    takes.mkdir()
    queries = [ordinary / path.name for path in queries]
    for path in photos:
        shutil.copy(path, ordinary)
    names = [str(ordinary / path.name) for path in photos]
    rows, made, before = [], 0, np.empty(0)
    with PhotoFind(Home(root / "home")) as photofind:
        photofind.add_folder(str(root))
        for share in (0, *SHARES):
            wanted = round(len(photos) * share / (100 - share))
            make_takes(sources, takes, range(made, wanted))
            made = wanted
            photofind.index()
            after = np.array(
                [
                    [found[name] for name in names]
                    for found in (score(photofind, q, len(photos) + made) for q in queries)
                ]
            )
            before = after if not share else before
            moved = np.abs(after - before)
            row = [f"{share} %", *(round(float(m), 3) for m in (moved.mean(), moved.max()))]
            row.append(round(100 * float(np.mean(moved > 0.05)), 3))
            if made:
                found = score(photofind, takes / "000000.jpg", len(photos) + made)
                alike = [str(takes / f"{n:06}.jpg") for n in range(0, made, len(sources))]
                row.append(round(min(found[path] for path in alike), 3))
            else:
                row.append(None)
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="a folder with photos")
    parser.add_argument("--photos", type=int, default=500, help="number of ordinary photos")
    arguments = parser.parse_args()
    columns = ["takes", "moved, mean", "at most", "by more than 0.05, %", "takes, lowest score"]
    figures = {}
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        if arguments.folder:
            photos = photos_below(arguments.folder)
            photos = photos[:: max(1, len(photos) // arguments.photos)][: arguments.photos]
        else:
            made = Path(temporary, "made")
            made.mkdir()
            photos = [*made_photos(made, arguments.photos)]
        cases = {"time-lapse": photos[5:6], "bursts": photos[5::10]}
        for case, sources in cases.items():
            rows = measure(photos, sources, Path(temporary, case))
            print_table([case, *columns[1:]], rows)
            figures[case] = [dict(zip(columns, row, strict=True)) for row in rows]
    print_figures("many_takes", {"photos": len(photos), **figures})


if __name__ == "__main__":
    main()
