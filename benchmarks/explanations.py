"""Do explanations name what matters? The deletion test, and the time of an explanation.

The quarter of a photo that an explanation names is masked, and the score of the hit is looked up
again; beside it another quarter is masked: the one that carries the least, quarters of the same
shape elsewhere, cells drawn at random, and the quarter that was named for another photo.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import milliseconds, photos_below, print_figures, print_table
from PIL import Image, ImageFilter
from scipy.ndimage import uniform_filter

from photofind.app.photofind import PhotoFind
from photofind.extractors.mobilenet import MobileNet
from photofind.images.decode import decode
from photofind.learning.explanation.cells import contributions, pooled, relative_cells
from photofind.learning.explanation.regions import named_cells
from photofind.library.store import Store
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

SPACE = "mobilenet@1"
RANDOM = 2
"""Quarters are drawn so often for each photo."""

Pixels = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of class folders")
    parser.add_argument("--pairs", type=int, default=200, help="queries with one hit each")
    parser.add_argument("--home", type=Path, help="of a library of the folder, indexed before")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(asked.home or Path(temporary) / "home")
        with PhotoFind(home) as photofind:
            if asked.home is None:
                photofind.add_folder(str(asked.folder.resolve()))
                photofind.index(wait=True)
            pairs = chosen_pairs(photofind, asked.folder, asked.pairs)
            times = [timed(photofind, *pair) for pair in pairs[:50]]
            with open_store(home, photofind.settings) as store:
                lost = deletion(store, pairs)
    figures = {}
    for masking, rows in lost.items():
        means = {which: np.mean(losses, axis=0) for which, losses in rows.items()}
        named = means["named"]
        print_table(
            (f"masked by {masking}", "loss of score", "of similarity", "named to this: score"),
            [
                (which, f"{score:.3f}", f"{alike:.3f}", f"{named[0] / max(score, 1e-9):.2f}")
                for which, (score, alike) in means.items()
            ],
        )
        figures[masking] = {which: mean.round(4).tolist() for which, mean in means.items()}
    print_figures(
        "explanations",
        {"pairs": len(pairs), "lost": figures, "explain_ms": milliseconds(times)},
    )


def chosen_pairs(photofind: PhotoFind, folder: Path, count: int) -> list[tuple[str, str]]:
    """Return queries with their best hit of the same class that is not the same picture."""
    paths = photos_below(folder)
    order = np.random.default_rng(1).permutation(len(paths))
    pairs = []
    for place in order.tolist():
        query = paths[place]
        hits = photofind.similar(Query((str(query),), limit=10)).hits
        same = [hit.path for hit in hits if Path(hit.path).parent == query.parent]
        if same:
            pairs.append((str(query), same[0]))
        if len(pairs) == count:
            break
    return pairs


def timed(photofind: PhotoFind, query: str, hit: str) -> float:
    begun = time.monotonic()
    photofind.explain(query, hit)
    return time.monotonic() - begun


def deletion(
    store: Store, pairs: list[tuple[str, str]]
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return what masking a quarter of each query costs: score and similarity."""
    network = MobileNet()
    index = store.index(SPACE)
    assert index is not None
    centre = index.projection.mean
    random = np.random.default_rng(2)
    lost: dict[str, dict[str, list[tuple[float, float]]]] = {
        masking: defaultdict(list) for masking in MASKINGS
    }
    before: Cells | None = None
    for query, hit in pairs:
        photos = store.by_path([query, hit])
        pictures = [
            decode(Path(path).read_bytes(), network.input_size).pixels for path in (query, hit)
        ]
        maps = network.feature_map(np.stack(pictures))
        cells = [relative_cells(one, centre) for one in maps]
        lengths = float(np.prod([np.linalg.norm(one.mean(axis=(0, 1))) for one in cells]))
        weights, _ = contributions(*cells, lengths)
        quarters = [*drawn(weights, random)]
        if before is not None:
            quarters.append(("the one of another pair", before))
        before = quarters[0][1]
        for masking, mask in MASKINGS.items():
            masked = [mask(pictures[0], named) for _, named in quarters]
            embeddings = network.embed(np.stack([pictures[0], *masked]))
            measured = [
                measure(store, photos[query], photos[hit].content, one, pooled(maps[1]), centre)
                for one in embeddings
            ]
            for (which, _), (score, alike) in zip(quarters, measured[1:], strict=True):
                lost[masking][which].append((measured[0][0] - score, measured[0][1] - alike))
    return lost


def drawn(
    weights: npt.NDArray[np.float64], random: np.random.Generator
) -> Iterator[tuple[str, Cells]]:
    """Yield quarters of the cells: the named one, the last one, and some at random."""
    named = named_cells(weights)
    yield "named", named
    yield "named by means over 3 x 3 cells", named_cells(uniform_filter(weights, mode="constant"))
    yield "last", named_cells(-weights)
    for _ in range(RANDOM):
        yield "the same shape elsewhere", np.roll(named, random.integers(0, 7, 2), axis=(0, 1))
    for _ in range(RANDOM):
        yield "random cells", named_cells(random.random(weights.shape))


def measure(
    store: Store,
    query: Photo,
    hit: str,
    embedding: npt.NDArray[np.float32],
    other: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float32],
) -> tuple[float, float]:
    """Return the score of a hit for an embedding of the query, and their similarity."""
    like = (embedding / np.linalg.norm(embedding)).astype(np.float32)
    asked = Embedded(like[np.newaxis], np.empty((0, len(like)), np.float32), {query.content})
    score = float(compare(store, SPACE, asked).compare([hit]).scores[0])
    first, second = like - centre, other - centre
    alike = float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
    return score, alike


def blurred(picture: Pixels, cells: Cells) -> Pixels:
    photo = Image.fromarray(picture)
    return _mixed(picture, np.asarray(photo.filter(ImageFilter.GaussianBlur(24))), cells)


def of_mean_colour(picture: Pixels, cells: Cells) -> Pixels:
    mean = np.broadcast_to(picture.mean(axis=(0, 1)).astype(np.uint8), picture.shape)
    return _mixed(picture, mean, cells)


def _mixed(picture: Pixels, other: Pixels, cells: Cells) -> Pixels:
    side = len(picture) // len(cells)
    return np.where(np.kron(cells, np.ones((side, side), bool))[..., np.newaxis], other, picture)


MASKINGS = {"blurring": blurred, "the mean colour": of_mean_colour}

if __name__ == "__main__":
    main()
