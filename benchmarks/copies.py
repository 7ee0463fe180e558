"""How often a search with an edited copy finds its original.

The library is a folder of photos. Some of them are edited in several ways, and each edited copy is
used as a query from outside the library. Prints how often the original is the first hit, in
percent, and how long an answer takes: by default, as it is (``--no-rotation``), by plain cosine,
and where originals are looked for by their pixels (``--originals``).

    python benchmarks/copies.py DIR
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import milliseconds, photos_below, print_figures, print_table, without_graphs
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.paths import Home


def edits(image: Image.Image) -> Iterator[tuple[str, Image.Image, int]]:
    """Yield edited copies of a photo: the edit, the picture, and its JPEG quality."""
    width, height = image.size
    left, top = round(0.15 * width), round(0.15 * height)
    yield "cropped to the middle 70 %", image.crop((left, top, width - left, height - top)), 90
    for side in (0.5, 0.33):
        left, top = round(0.3 * width), round(0.4 * height)
        box = (left, top, left + round(side * width), top + round(side * height))
        yield f"cropped to {100 * side:.0f} % of its sides", image.crop(box), 90
    yield "JPEG quality 20", image, 20
    yield "half the size", image.resize((width // 2, height // 2)), 90
    yield "mirrored", ImageOps.mirror(image), 90
    yield "rotated by 90 degrees", image.transpose(Image.Transpose.ROTATE_90), 90
    yield "rotated by 180 degrees", image.transpose(Image.Transpose.ROTATE_180), 90
    yield "rotated by 270 degrees", image.transpose(Image.Transpose.ROTATE_270), 90
    yield "rotated by 10 degrees", image.rotate(10, Image.Resampling.BICUBIC), 90
    for factor in (0.6, 1.5):
        yield f"brightness times {factor}", ImageEnhance.Brightness(image).enhance(factor), 90
        yield f"contrast times {factor}", ImageEnhance.Contrast(image).enhance(factor), 90
    yield "text across it", with_text(image), 90


WAYS: dict[str, dict[str, Any]] = {
    "by default": {},
    "as it is": {"any_rotation": False},
    "plain": {"any_rotation": False, "plain": True},
    "originals": {"originals": True},
}


def with_text(image: Image.Image) -> Image.Image:
    """Return the picture with white text with black edges, an eighth of its height."""
    copy = image.copy()
    middle = (image.width / 2, image.height / 2)
    font = ImageFont.load_default(image.height / 8)
    ImageDraw.Draw(copy).text(
        middle, "PHOTOGRAPH 2026", "white", font, "mm", stroke_width=2, stroke_fill="black"
    )
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder with photos")
    parser.add_argument("--photos", type=int, default=200, help="number of photos to edit")
    arguments = parser.parse_args()
    photos = photos_below(arguments.folder)
    chosen = random.Random(0).sample(photos, arguments.photos)
    found = {way: Counter[str]() for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    tried = Counter[str]()
    with (
        tempfile.TemporaryDirectory() as temporary,
        without_graphs(),
        PhotoFind(Home(Path(temporary, "home"))) as photofind,
    ):
        photofind.add_folder(str(arguments.folder.resolve()))
        photofind.index()
        copy = Path(temporary, "copy.jpg")
        for photo in chosen:
            for edit, image, quality in edits(Image.open(photo).convert("RGB")):
                image.save(copy, quality=quality)
                tried[edit] += 1
                for way, hits in found.items():
                    started = time.perf_counter()
                    answer = photofind.similar(Query((str(copy),), limit=20, **WAYS[way]))
                    seconds[way].append(time.perf_counter() - started)
                    hits[edit] += [hit.path for hit in answer.hits[:1]] == [str(photo)]
    figures = {
        edit: {ranking: round(100 * hits[edit] / count, 1) for ranking, hits in found.items()}
        for edit, count in tried.items()
    }
    rows = [[edit, *shares.values()] for edit, shares in figures.items()]
    print_table(["edited copy: original is the first hit, %", *found], rows)
    times = {way: milliseconds(taken) for way, taken in seconds.items()}
    print_table(["ms", "p50", "p99"], [[way, *taken.values()] for way, taken in times.items()])
    parameters = {"library": len(photos), "edited": len(chosen)}
    print_figures("copies", {**parameters, **figures, "milliseconds": times})


if __name__ == "__main__":
    main()
