"""What embedding crops beside the whole photo gives, and what it costs.

DIR has one folder per class; a hit is correct if it is in the folder of the query. Every photo is a
query against all others, compared as photofind does: by the plain cosine and by its ranking. The
cost is the processor time of the worker for each photo, reading it included.

    python benchmarks/views.py DIR [--extractor NAME]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
from common import photos_below, print_figures, print_table

from photofind.extractors.extraction import Extraction
from photofind.indexing.index_building import build_index
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

WARMING_UP = 8
SPACE = "{}@{}"


def embedded(
    extractor: str, views: Literal["whole", "crops"], paths: list[str]
) -> tuple[str, np.ndarray, float]:
    """Return the space, the embeddings (n, D), and milliseconds of processor time a photo."""
    with Extraction(extractor, threads=1, views=views, low_priority=False) as extraction:
        info = extraction.info()
        extraction.extract(paths[:WARMING_UP])
        process = psutil.Process(extraction.pid)
        before = sum(process.cpu_times()[:2])
        vectors = np.stack([one.vector for one in extraction.extract(paths)])
        taken = sum(process.cpu_times()[:2]) - before
    return SPACE.format(info.name, info.version), vectors, 1000 * taken / len(paths)


def evaluate(space: str, vectors: np.ndarray, labels: np.ndarray, *, plain: bool) -> list[float]:
    """Return mAP and P@1, leave-one-out, in percent."""
    store = MemoryStore()
    store.open_space(*space.split("@"), vectors.shape[1])
    contents = [f"{number:06}" for number in range(len(vectors))]
    photos = [Photo(f"/{content}.jpg", content=content) for content in contents]
    store.commit(photos, space, dict(zip(contents, vectors, strict=True)))
    build_index(store, space, graph=False)
    precision = first = 0.0
    for place, content in enumerate(contents):
        query = Embedded(vectors[place : place + 1], vectors[:0], frozenset([content]))
        found = compare(store, space, query, plain=plain).compare(contents).similarities
        order = np.argsort(-found, kind="stable")
        right = labels[order[order != place]] == labels[place]
        precisions = np.cumsum(right) / np.arange(1, len(right) + 1)
        precision += float(precisions[right].mean())
        first += float(right[0])
    return [round(100 * total / len(contents), 1) for total in (precision, first)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--extractor", default="mobilenet")
    arguments = parser.parse_args()
    paths = [str(path) for path in photos_below(arguments.folder)]
    labels = np.array([Path(path).parent.name for path in paths])
    rows: list[list] = []
    for views in ("whole", "crops"):
        space, vectors, milliseconds = embedded(arguments.extractor, views, paths)
        for plain in (True, False):
            ranking = "plain" if plain else "ranked"
            measured = evaluate(space, vectors, labels, plain=plain)
            rows.append([views, ranking, *measured, round(milliseconds, 1)])
    columns = ["views", "ranking", "mAP", "P@1", "ms of processor time a photo"]
    print_table(columns, rows)
    print_figures("views", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
