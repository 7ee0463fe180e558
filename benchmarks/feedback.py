"""What judgements are worth: a simulated user judges hits by the folders of the photos.

DIR has one folder per class; a photo is right if it is in the query's folder. Prints the mean
average precision over the photos that were not judged, in percent with 95 % intervals: after 1, 5
and 20 judgements of the first hits, beside Rocchio (the judged photos as query photos), and after 5
more of what is proposed or of the next hits. Then a metric is learned from the judgements of
queries of half of the classes, of two with likes and dislikes and of all, and measured on further
queries of these classes and of the others; and again without asking whether it proves itself.

    python benchmarks/feedback.py DIR [--queries 100] [--each 8] [--extractor NAME] [--home HOME]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from common import milliseconds, photos_below, print_figures, print_table, without_graphs

from photofind.app.photofind import PhotoFind
from photofind.learning.feedback import learner
from photofind.learning.metrics import estimate_mean
from photofind.model import Answer, Hit, Query
from photofind.paths import Home

CLICKS = (1, 5, 20)
MORE = 5
LIMIT = 10_000
HANDFUL = 2


def label(path: str) -> str:
    return Path(path).parent.name


def query_of(path: str, **options: object) -> Query:
    return Query((path,), limit=LIMIT, min_score=0.0, every=True, **options)  # type: ignore[arg-type]


def precision(answer: Answer, query: str, left_out: Iterable[str]) -> float:
    """Return the average precision of the hits that were not judged, in percent."""
    judged = {*left_out}
    right = [label(hit.path) == label(query) for hit in answer.hits if hit.path not in judged]
    found = np.cumsum(right)
    return 100 * float((found / np.arange(1, len(right) + 1))[np.array(right)].mean())


def judge(photofind: PhotoFind, query: str, hits: Sequence[Hit]) -> Answer:
    """Judge hits by their folders."""
    right = [hit.id for hit in hits if label(hit.path) == label(query)]
    wrong = [hit.id for hit in hits if label(hit.path) != label(query)]
    return photofind.judge(query_of(query), likes=right, dislikes=wrong)


def figure(values: Sequence[float]) -> str:
    estimate = estimate_mean(np.array(values))
    return f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"


def gain(before: Sequence[float], after: Sequence[float]) -> str:
    estimate = estimate_mean(np.array(after) - np.array(before))
    return f"{estimate.value:+.1f} ({estimate.low:+.1f} to {estimate.high:+.1f})"


def measure_clicks(photofind: PhotoFind, queries: Sequence[str]) -> list[list[object]]:
    """Return rows: what was judged, how many queries, before, after, gain, losers, time."""
    names = [f"first {count}" for count in CLICKS]
    names += ["first 5, mixed", "first 5, Rocchio", "first 5, mixed, Rocchio"]
    names += [f"first 5, {MORE} proposed", f"first {5 + MORE}"]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for query in queries:
        base = photofind.similar(query_of(query, feedback=False))
        first = {}

        def note(name: str, after: Answer, judged: Sequence[Hit], seconds: float = 0.0) -> None:
            paths = [hit.path for hit in judged]
            values = precision(base, query, paths), precision(after, query, paths)  # noqa: B023
            found[name].append((*values, seconds))

        for count in (*CLICKS, 5 + MORE):
            judged = base.hits[:count]
            answer = judge(photofind, query, judged)
            started = time.monotonic()
            again = photofind.similar(query_of(query))
            note(f"first {count}", again, judged, time.monotonic() - started)
            first[count] = answer
            assert answer.feedback is not None
            photofind.forget_judgements([answer.feedback.key])
        judged = base.hits[:5]
        right = [hit.path for hit in judged if label(hit.path) == label(query)]
        wrong = [hit.path for hit in judged if label(hit.path) != label(query)]
        rocchio = photofind.similar(
            Query((query, *right), tuple(wrong), LIMIT, 0.0, every=True, feedback=False)
        )
        note("first 5, Rocchio", rocchio, judged)
        if wrong:
            note("first 5, mixed", first[5], judged)
            note("first 5, mixed, Rocchio", rocchio, judged)
        judge(photofind, query, judged)
        assert first[5].feedback is not None
        proposed = first[5].feedback.proposals[:MORE]
        after = judge(photofind, query, proposed)
        note(f"first 5, {MORE} proposed", after, [*judged, *proposed])
        photofind.forget_judgements([first[5].feedback.key])
    rows: list[list[object]] = []
    for name, values in found.items():
        if not values:
            continue
        before, now, seconds = np.array(values).T
        losers = 100 * float((now < before - 2).mean())
        times = milliseconds(seconds.tolist()) if seconds.any() else None
        rows.append(
            [
                name,
                len(values),
                figure(before),
                figure(now),
                gain(before, now),
                f"{losers:.0f} %",
                None if times is None else f"{times['p50']:.0f}",
            ]
        )
    return rows


def measure_metric(
    photofind: PhotoFind, by_class: dict[str, list[str]], *, each: int, asked: int
) -> tuple[list[list[object]], dict[str, object]]:
    """Learn from queries of half of the classes; measure queries that were not judged."""
    names = sorted(by_class)
    trained = names[::2]
    groups = {
        "of these classes": [p for name in trained for p in by_class[name][each : each + asked]],
        "of other classes": [p for name in names[1::2] for p in by_class[name][:asked]],
    }
    before = {
        name: [precision(photofind.similar(query_of(one)), one, ()) for one in some]
        for name, some in groups.items()
    }
    rows: list[list[object]] = []
    figures: dict[str, object] = {}

    def measure(what: str) -> None:
        started = time.monotonic()
        status = photofind.learn_metric()
        seconds = time.monotonic() - started
        figures[what] = {**vars(status), "seconds": round(seconds, 2)}
        print(f"{what}: {status.state}, {status.reason}")
        for name, some in groups.items():
            after = [precision(photofind.similar(query_of(one)), one, ()) for one in some]
            rows.append(
                [
                    what,
                    name,
                    len(some),
                    figure(before[name]),
                    figure(after),
                    gain(before[name], after),
                ]
            )

    untested = (
        mock.patch.object(learner, "FEWEST_QUERIES", 1),
        mock.patch.object(learner, "FEWEST_JUDGEMENTS", 2),
        mock.patch.object(learner, "_is_better", return_value=True),
        mock.patch.object(learner, "_is_no_worse", return_value=True),
    )

    def measure_untested(what: str) -> None:
        with ExitStack() as patches:
            for one in untested:
                patches.enter_context(one)
            measure(what)

    queries = [path for name in trained for path in by_class[name][:each]]
    mixed = 0
    for query in queries:
        hits = photofind.similar(query_of(query, feedback=False)).hits[:20]
        is_mixed = any(label(hit.path) != label(query) for hit in hits)
        judge(photofind, query, hits)
        mixed += is_mixed
        if is_mixed and mixed == HANDFUL:
            measure(f"{HANDFUL} mixed queries")
            measure_untested(f"{HANDFUL} mixed queries, untested")
    measure("all queries")
    measure_untested("all queries, untested")
    return rows, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="photos in one folder per class")
    parser.add_argument("--queries", type=int, default=100, help="how many queries are clicked")
    parser.add_argument("--each", type=int, default=8, help="queries of a class that are learned"
                        " from, and as many that are asked with before and after")  # fmt: skip
    parser.add_argument("--extractor", default="mobilenet", help="whose embeddings are compared")
    parser.add_argument("--home", type=Path, help="where the library is kept for another run")
    arguments = parser.parse_args()
    photos = [str(path) for path in photos_below(arguments.folder)]
    generator = np.random.default_rng(0)
    by_class: dict[str, list[str]] = {}
    for path in generator.permutation(photos).tolist():
        by_class.setdefault(label(path), []).append(path)
    queries = generator.permutation(photos)[: arguments.queries].tolist()
    with (
        tempfile.TemporaryDirectory() as temporary,
        without_graphs(),
        PhotoFind(Home(arguments.home or Path(temporary, "home"))) as photofind,
    ):
        photofind.set_setting("extractor", arguments.extractor)
        photofind.add_folder(str(arguments.folder.resolve()))
        photofind.index()
        columns = ["judged", "queries", "before", "after", "gain", "lose over 2", "ms"]
        rows = measure_clicks(photofind, queries) if queries else []
        print_table(columns, rows)
        smallest = min(map(len, by_class.values()))
        each = min(arguments.each, smallest // 3)
        metric, status = measure_metric(photofind, by_class, each=each, asked=each)
        about = ["metric", "queries", "how many", "before", "after", "gain"]
        print_table(about, metric)
    print_figures(
        "feedback",
        {
            "extractor": arguments.extractor,
            "clicks": [dict(zip(columns, row, strict=True)) for row in rows],
            "metric": [dict(zip(about, row, strict=True)) for row in metric],
            "learned": status,
        },
    )


if __name__ == "__main__":
    main()
