"""The quality of the hits, with every photo of a labelled folder as a query.

DIR has one folder per class; a hit is correct if it is in the query's folder. Prints mAP, P@1, P@10
and P@20, in percent, for the ranking and for the plain cosine: leave-one-out, and with a fifth of
the photos held out as queries from outside the library. With ``--every N`` each Nth photo is a
query, which takes so much less time.

    python benchmarks/retrieval.py DIR [--every N]
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


def label(path: str) -> str:
    return Path(path).parent.name


def evaluate(photofind: PhotoFind, queries: list[str], gallery: list[str], plain: bool) -> list:
    """Return mAP, P@1, P@10 and P@20 over the queries, in percent."""
    relevant = Counter(map(label, gallery))
    in_gallery = set(gallery)
    totals = [0.0] * 4
    for path in queries:
        answer = photofind.similar(Query((path,), limit=len(gallery), every=True, plain=plain))
        right = [label(hit.path) == label(path) for hit in answer.hits if hit.path != path]
        found, precision = 0, 0.0
        for rank, is_right in enumerate(right, 1):
            found += is_right
            precision += is_right * found / rank
        totals[0] += precision / (relevant[label(path)] - (path in in_gallery))
        for place, depth in enumerate((1, 10, 20), 1):
            totals[place] += sum(right[:depth]) / depth
    return [round(100 * total / len(queries), 1) for total in totals]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="query by each Nth")
    arguments = parser.parse_args()
    photos = [str(path) for path in photos_below(arguments.folder)]
    rows = []
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        with PhotoFind(Home(Path(temporary, "all"))) as photofind:
            photofind.add_folder(str(arguments.folder.resolve()))
            photofind.index()
            for plain in (True, False):
                measured = evaluate(photofind, photos[:: arguments.every], photos, plain)
                rows.append(["leave-one-out", "plain" if plain else "ranked", *measured])
        held_out = set(random.Random(0).sample(photos, len(photos) // 5))
        gallery = []
        for path in photos:
            if path not in held_out:
                copy = Path(temporary, "gallery", label(path), Path(path).name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
                gallery.append(str(copy))
        with PhotoFind(Home(Path(temporary, "held-out"))) as photofind:
            photofind.add_folder(str(Path(temporary, "gallery")))
            photofind.index()
            for plain in (True, False):
                queries = sorted(held_out)[:: arguments.every]
                measured = evaluate(photofind, queries, gallery, plain)
                rows.append(["held out", "plain" if plain else "ranked", *measured])
    columns = ["queries", "ranking", "mAP", "P@1", "P@10", "P@20"]
    print_table(columns, rows)
    print_figures("retrieval", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
