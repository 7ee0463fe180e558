"""``photofind evaluate``."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import click

from photofind.cli.output import note, print_json, print_line, print_table, show_progress
from photofind.cli.parameters import AbsoluteFolder, AbsolutePath, complete_extractor

if TYPE_CHECKING:
    from photofind.learning.metrics import Estimate
    from photofind.learning.results import Evaluation, Retrieval

__all__ = ["evaluate"]


@click.command(
    short_help="Measure how well photos of one kind are found.",
    epilog="""\b
Examples:
  photofind evaluate ~/labelled
  photofind evaluate ~/labelled -e mobilenet -e efficientnet-lite0 -o report/
  photofind evaluate labels.csv --leave-one-out --all-extractors --json""",
)
@click.argument("source", metavar="DIR", type=AbsolutePath())
@click.option("-e", "--extractor", "extractors", metavar="NAME", multiple=True,
              shell_complete=complete_extractor,
              help="Evaluate this extractor, or several together (a,b); repeat to compare. "
                   "The one in use by default.")  # fmt: skip
@click.option("--all-extractors", "every", is_flag=True,
              help="Evaluate all extractors that are installed.")  # fmt: skip
@click.option("--split", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=None,
              metavar="SHARE",
              help="Share of each class that is held out for classification (0.2).")  # fmt: skip
@click.option("--leave-one-out", is_flag=True,
              help="Classify each photo by all others instead.")  # fmt: skip
@click.option("--scenes", is_flag=True,
              help="Labels name scenes: a few photos each, and nothing to classify.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Seed of the split and of random samples.")  # fmt: skip
@click.option("--engines/--no-engines", default=True, show_default=True,
              help="Compare search engines too, for which code is compiled.")  # fmt: skip
@click.option("-o", "--output", type=AbsoluteFolder(), metavar="FOLDER",
              help="Write the report here too.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def evaluate(
    source: str,
    extractors: tuple[str, ...],
    every: bool,
    split: float | None,
    leave_one_out: bool,
    scenes: bool,
    seed: int,
    engines: bool,
    output: str | None,
    as_json: bool,
) -> None:
    """Measure how well photofind finds and tells apart the photos of DIR.

    DIR holds a folder of photos for each class. A CSV file with the columns "path" and "label" (or
    "scene") does too, and so does a folder with a "labels.csv".

    Three protocols are measured, whose figures do not compare with each other: classification of
    held-out photos, P@k with the query in the gallery, and full mAP, leave-one-out. The report is
    one HTML file; the page lists it under Library. The library itself is not changed.

    Ctrl-C ends the evaluation and leaves a report of what was measured by then.
    """
    if split is not None and leave_one_out:
        raise click.UsageError("--split and --leave-one-out exclude each other")
    if extractors and every:
        raise click.UsageError("--extractor and --all-extractors exclude each other")
    from photofind.app.evaluation import evaluate_photos, figures_of
    from photofind.app.resources import Resources
    from photofind.learning.evaluation import Plan
    from photofind.paths import Home

    resources = Resources(Home.default(), resident=False)
    plan = Plan(None if leave_one_out else split or 0.2, seed, engines=engines)
    try:
        with show_progress() as progress:
            done = evaluate_photos(
                resources,
                source,
                choices=extractors,
                every=every,
                scenes=scenes,
                plan=plan,
                output=output,
                progress=progress,
            )
    except KeyboardInterrupt:
        note("nothing was measured yet; embeddings made so far are kept for the next time")
        raise
    finally:
        resources.close()
    if as_json:
        report = None if done.report is None else str(done.report)
        print_json({**figures_of(done.evaluation), "report": report})
    else:
        _print(done.evaluation)
        if done.report is not None:
            note(f"report: {done.report}")
    if done.refusal is not None:
        raise done.refusal
    if not done.evaluation.complete:
        note("photofind: interrupted; the report is partial")
        sys.exit(130)


def _print(evaluation: Evaluation) -> None:
    """Print the main figures of each protocol as tables, in percent."""
    from photofind.learning.report.page import is_corel
    from photofind.learning.results import BASELINE, PROTOCOLS

    note(*(f"{name} is left out: {reason}" for name, reason in evaluation.left_out))
    note(*evaluation.notes)
    if evaluation.classification:
        print_line(f"{PROTOCOLS['classification']}, percent")
        rows = [
            [one.extractor, f"{one.classifier}, {one.setting}",
             *(_percent(one.macro[name]) for name in _MACRO), _figure(one.accuracy)]
            for one in evaluation.classification
        ]  # fmt: skip
        if is_corel(evaluation):
            published = [f"{100 * BASELINE[name]:.1f}" for name in _MACRO[:3]]
            rows.append(["published, Corel-1K", "MobileNet classifier", *published, "–", "–"])
        titles = ["extractor", "classifier", "precision", "recall = TPR", "F", "FPR"]
        print_table([*titles, "accuracy (95 % interval)"], rows)
    for protocol, title in PROTOCOLS.items():
        found = [one for one in evaluation.retrieval if one.protocol == protocol]
        if found:
            print_line("")
            print_line(f"{title}, percent")
            _print_retrieval(found)
    if evaluation.scores:
        print_line("")
        print_line("Scores of photofind's ranking, percent")
        print_table(
            ["extractor", "score", "precision", "found"],
            [
                [one.extractor, f"at least {one.at_least}", _figure(one.precision),
                 _figure(one.found)]
                for one in evaluation.scores
            ],
        )  # fmt: skip
    if evaluation.engines:
        print_line("")
        print_line("Search engines")
        print_table(
            ["extractor", "engine", "ms per query", "recall@10, percent", ""],
            [
                [extractor, one.engine, _number(one.milliseconds), _number(one.recall, 100, 1),
                 one.note]
                for extractor, measured in evaluation.engines.items()
                for one in measured
            ],
        )  # fmt: skip


_MACRO = ("precision", "recall", "f1", "false_positive_rate")


def _print_retrieval(found: list[Retrieval]) -> None:
    names = [name for name in found[0].figures if name != "map"]
    titles = [name.replace("precision_at_", "P@").replace("recall_at_", "R@") for name in names]
    titles = [title.replace("map_at_r", "MAP@R") for title in titles]
    print_table(
        ["extractor", "ranking", "mAP (95 % interval)", *titles],
        [
            [one.extractor, one.ranking, _figure(one.figures["map"]),
             *(_percent(one.figures[name]) for name in names)]
            for one in found
        ],
    )  # fmt: skip


def _percent(estimate: Estimate) -> str:
    return _number(estimate.value, 100, 1)


def _figure(estimate: Estimate) -> str:
    """Return a figure with its interval."""
    if math.isnan(estimate.value):
        return "–"
    return f"{_percent(estimate)} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def _number(value: float | None, scale: float = 1, digits: int = 3) -> str:
    return "–" if value is None or math.isnan(value) else f"{scale * value:.{digits}f}"
