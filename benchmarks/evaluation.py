"""What `photofind evaluate` finds on a folder of class folders, over several splits.

Each choice of extractors is evaluated with a fifth of the photos held out, by five seeds, and once
leave-one-out. Prints, in percent, the macro precision, recall (the true-positive rate), F and
false-positive rate of k-NN and of a linear probe, as means over the seeds with their standard
deviation; and mAP, MAP@R, P@k and R@k of each ranking. With ``--seeds 0`` only the latter.

    python benchmarks/evaluation.py DIR [-e mobilenet -e mobilenet,efficientnet-lite0 ...]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import print_figures, print_table

from photofind.app.resources import Resources
from photofind.learning.evaluation import Plan, evaluate
from photofind.learning.gallery import Gallery, make_gallery
from photofind.learning.labels import enough_labels, read_labels
from photofind.learning.results import BASELINE, Evaluation
from photofind.paths import Home

COLUMNS = ["extractor", "classifier", "photos", "precision", "recall = TPR", "F", "FPR",
           "accuracy"]  # fmt: skip
MACRO = ("precision", "recall", "f1", "false_positive_rate")
RETRIEVED = ("map", "map_at_r", "precision_at_1", "precision_at_10", "precision_at_20",
             "recall_at_10")  # fmt: skip


def result(gallery: Gallery, plan: Plan) -> Evaluation:
    *_, found = evaluate(gallery, plan)
    assert found.complete
    return found


def percent(values: list[float]) -> str:
    """Return the mean, and the standard deviation where there are several."""
    mean = 100 * float(np.mean(values))
    return f"{mean:.1f} ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else f"{mean:.1f}"


def classified(evaluations: list[Evaluation]) -> list[list[str]]:
    """Return a row for each choice of extractors and classifier."""
    values: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in (one for found in evaluations for one in found.classification):
        if "Euclidean" not in one.classifier:  # It ranks unit vectors as the cosine does.
            row = values[one.extractor, one.classifier, one.setting]
            for name in MACRO:
                row[name].append(one.macro[name].value)
            row["accuracy"].append(one.accuracy.value)
    return [[*key, *(percent(one) for one in row.values())] for key, row in values.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("-e", "--extractor", action="append", help="a choice of extractors")
    parser.add_argument("--seeds", type=int, default=5, help="how many splits")
    parser.add_argument("--no-engines", action="store_true", help="compare no search engines")
    parser.add_argument("--home", type=Path, help="a home that keeps the embeddings")
    arguments = parser.parse_args()
    choices = arguments.extractor or ["mobilenet"]
    photos = enough_labels(read_labels(str(arguments.folder.resolve())))
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(arguments.home or Path(temporary))
        os.environ.setdefault("NUMBA_CACHE_DIR", str(home.numba_cache))
        resources = Resources(home, resident=False)
        try:
            gallery = make_gallery(
                photos, choices, resources.extraction, None, home.cache / "labelled"
            )
        finally:
            resources.close()
        plans = [Plan(0.2, seed, retrieval=False, engines=False) for seed in range(arguments.seeds)]
        held_out = [result(gallery, plan) for plan in plans]
        print_table(COLUMNS, classified(held_out))
        every = result(gallery, Plan(None, engines=not arguments.no_engines))
    rows = [*classified(held_out), *classified([every])]
    published = [f"{100 * BASELINE[name]:.1f}" for name in ("precision", "recall", "f1")]
    rows.append(["published MobileNet", "classifier", "held out", *published, "", ""])
    print_table(COLUMNS, rows)
    retrieved = [
        [one.extractor, one.ranking, one.protocol,
         *(percent([one.figures[name].value]) for name in RETRIEVED)]
        for one in every.retrieval
        if one.ranking != "Euclidean"
    ]  # fmt: skip
    print_table(["extractor", "ranking", "protocol", *RETRIEVED], retrieved)
    scores = [
        [one.extractor, f"{one.at_least}", percent([one.precision.value]),
         percent([one.found.value])]
        for one in every.scores
    ]  # fmt: skip
    print_table(["extractor", "score", "precision", "found"], scores)
    engines = [
        [choice, one.engine, one.milliseconds and f"{one.milliseconds:.3f}",
         one.recall and percent([one.recall])]
        for choice, measured in every.engines.items()
        for one in measured
    ]  # fmt: skip
    print_table(["extractor", "engine", "ms per query", "recall@10"], engines)
    print_figures(
        "evaluation",
        {
            "photos": every.photos,
            "classification": rows,
            "retrieval": retrieved,
            "scores": scores,
            "engines": engines,
            "notes": every.notes,
        },
    )


if __name__ == "__main__":
    main()
