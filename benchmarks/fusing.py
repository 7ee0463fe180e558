"""Several extractors compared in one space of all, beside their fused scores and each by itself.

DIR has one folder per class; a hit is correct if it is in the query's folder. Every photo of the
folder is a query, the others are ranked: mAP, P@1, P@10 and P@20, in percent; the share of pairs of
different classes that score 0.5 and the precision there; and the time of a query.

    python benchmarks/fusing.py DIR --extractors mobilenet,efficientnet-lite0
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from common import photos_below, print_figures, print_table, without_graphs
from retrieval import evaluate, label

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.model.extractor_choice import parse_extractors
from photofind.paths import Home


def by_scores() -> AbstractContextManager[Any]:
    """Have scores fused, as while the space of all is not complete."""
    return mock.patch("photofind.search.fusing.complete_fused_space", return_value=None)


def scored(photofind: PhotoFind, queries: list[str]) -> list[Any]:
    """Return how many pairs of different classes score 0.5, and how many of those that do are."""
    found, wrong = 0, 0
    for path in queries:
        answer = photofind.similar(Query((path,), limit=len(queries), min_score=0.5, every=True))
        found += len(answer.hits)
        wrong += sum(label(hit.path) != label(path) for hit in answer.hits)
    different = sum(label(one) != label(other) for one in queries for other in queries)
    share = f"1 in {round(different / wrong):,}" if wrong else "none"
    return [share, round(100 * (1 - wrong / found), 1) if found else None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--extractors", default="mobilenet,efficientnet-lite0")
    parser.add_argument("--home", type=Path, help="a home that is kept")
    arguments = parser.parse_args()
    photos = [str(path) for path in photos_below(arguments.folder)]
    rows = []
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        home = Home(arguments.home or Path(temporary, "home"))
        with PhotoFind(home) as photofind:
            photofind.set_setting("extractor", arguments.extractors)
            photofind.add_folder(str(arguments.folder.resolve()))
            photofind.index()
        names = [*parse_extractors(arguments.extractors)]
        ways = [(name, name, nullcontext()) for name in names]
        ways.append(("scores fused", arguments.extractors, by_scores()))
        ways.append(("one space", arguments.extractors, nullcontext()))
        for what, extractor, way in ways:
            with PhotoFind(home) as photofind, way:
                photofind.set_setting("extractor", extractor)
                began = time.process_time()
                measured = evaluate(photofind, photos, photos, plain=False)
                milliseconds = round(1e3 * (time.process_time() - began) / len(photos))
                rows.append([what, *measured, *scored(photofind, photos), milliseconds])
    columns = ["compared by", "mAP", "P@1", "P@10", "P@20", "unrelated at 0.5", "precision, %"]
    columns.append("ms/query")
    print_table(columns, rows)
    print_figures("fusing", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
