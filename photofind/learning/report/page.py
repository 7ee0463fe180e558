"""The page of a report, by Jinja2."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from photofind.learning.metrics import Estimate
from photofind.learning.report import figures
from photofind.learning.results import BASELINE, PROTOCOLS, Evaluation, Retrieval
from photofind.system.terminal import shown

__all__ = ["is_corel", "report_page"]

Thumbnail = Callable[[str], bytes | None]


def report_page(evaluation: Evaluation, thumbnail: Thumbnail) -> str:
    """Return the report of an evaluation as HTML.

    Parameters
    ----------
    evaluation
        What was found; it may be a part.
    thumbnail
        Gives the JPEG of a photo, small; None where it cannot be read.
    """
    environment = Environment(
        loader=PackageLoader("photofind.learning.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    kept: dict[str, str | None] = {}

    def picture(path: str) -> str | None:
        if path not in kept:
            jpeg = thumbnail(path)
            kept[path] = None if jpeg is None else _address("image/jpeg", jpeg)
        return kept[path]

    environment.filters |= {
        "percent": _percent,
        "figure": _figure,
        "text": shown,
        "name": lambda path: shown(Path(path).name),
        "moment": _moment,
    }
    template = environment.get_template("report.html")
    page: str = template.render(
        evaluation=evaluation,
        name=Path(evaluation.source).name,
        baseline=BASELINE if is_corel(evaluation) else None,
        protocols=PROTOCOLS,
        glance=_glance(evaluation),
        plots=_plots(evaluation),
        picture=picture,
        of_protocol=lambda protocol: _of(evaluation.retrieval, protocol),
    )
    # Bytes of file names that are no UTF-8 have no place in a page.
    return page.encode("utf-8", "replace").decode("utf-8")


def is_corel(evaluation: Evaluation) -> bool:
    """Return whether a set has the shape of Corel-1K, of which the baseline was published."""
    counts = [*evaluation.classes.values()]
    return len(counts) == 10 and max(counts) <= 100 and sum(counts) >= 900


def _glance(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the main figures of each extractor."""
    rows = []
    for extractor in evaluation.extractors:
        accuracy = {
            one.classifier: one.accuracy
            for one in evaluation.classification
            if one.extractor == extractor
        }
        found = {
            one.ranking: one.figures
            for one in _of(evaluation.retrieval, "leave-one-out")
            if one.extractor == extractor
        }
        product = found.get("photofind", {})
        score = next(
            (s for s in evaluation.scores if s.extractor == extractor and s.at_least == 0.5), None
        )
        rows.append(
            {
                "extractor": extractor,
                "neighbours": accuracy.get("k-NN, cosine"),
                "probe": accuracy.get("linear probe"),
                "map": product.get("map"),
                "plain_map": found.get("cosine", {}).get("map"),
                "precision": product.get("precision_at_10"),
                "score": score.precision if score else None,
            }
        )
    return rows


def _plots(evaluation: Evaluation) -> dict[str, str]:
    """Return the addresses of the plots, by name."""
    ranked = _of(evaluation.retrieval, "leave-one-out")
    plots: dict[str, str] = {}
    if ranked or evaluation.classification:
        plots["all"] = figures.all_algorithms(evaluation)
    if ranked:
        plots["precision_recall"] = figures.precision_recall(ranked)
        plots["cumulative_match"] = figures.cumulative_match(ranked)
    product = {one.extractor: one for one in ranked if one.ranking == "photofind"}
    if product and len(evaluation.classes) <= 60:
        plots["classes"] = figures.class_bars(product)
    for place, one in enumerate(evaluation.classification):
        if "Euclidean" not in one.classifier:
            plots[f"confusion {place}"] = figures.confusion(one)
    return {name: _address("image/svg+xml", svg.encode()) for name, svg in plots.items()}


def _of(retrieval: Iterable[Retrieval], protocol: str) -> list[Retrieval]:
    return [one for one in retrieval if one.protocol == protocol]


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _percent(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{100 * value:.1f}"


def _figure(estimate: Estimate | None) -> Markup:
    """Return a figure with its interval, in percent."""
    if estimate is None or math.isnan(estimate.value):
        return Markup("–")
    value, low, high = (_percent(one) for one in (estimate.value, estimate.low, estimate.high))
    return Markup("{} <small>{}–{}</small>").format(value, low, high)
