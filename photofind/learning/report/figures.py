"""The plots of a report, as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from photofind.learning.metrics import Estimate
from photofind.learning.results import Classification, Evaluation, Retrieval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["all_algorithms", "class_bars", "confusion", "cumulative_match", "precision_recall"]

_COLOURS = ("#2f6fb0", "#d9822b", "#3a8f5c", "#8a5fb0", "#b5495b", "#4fa3a5", "#7a7a7a", "#a78c2d")
_STYLE: Any = {  # Each version of matplotlib has another type for it.
    "svg.fonttype": "none",  # Text stays text: small, and sharp at any size.
    "svg.hashsalt": "photofind",  # The same figures give the same file.
    "text.parse_math": False,  # A dollar in the name of a folder is a dollar.
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}
# With more classes their names do not fit beside a matrix.
_NAMED = 30


def all_algorithms(evaluation: Evaluation) -> str:
    """Return bars of the main figures of each extractor, with their intervals."""
    rows: dict[str, dict[str, Estimate]] = {}
    for one in evaluation.classification:
        rows.setdefault(f"accuracy, {one.classifier}", {})[one.extractor] = one.accuracy
    for found in evaluation.retrieval:
        if found.protocol == "leave-one-out":
            rows.setdefault(f"mAP, {found.ranking}", {})[found.extractor] = found.figures["map"]
    rows = {name: of for name, of in rows.items() if "Euclidean" not in name}
    extractors = [*evaluation.extractors]
    height = 1.0 + 0.22 * len(rows) * (len(extractors) + 1)
    with _plot(8, height) as (figure, axes):
        for place, extractor in enumerate(extractors):
            offsets = np.arange(len(rows)) + (place + 0.5) / len(extractors) * 0.8 - 0.4
            estimates = [of.get(extractor) for of in rows.values()]
            _bars(axes, offsets, estimates, 0.8 / len(extractors), extractor, _colour(place))
        axes.set_yticks(np.arange(len(rows)), [*rows])
        axes.invert_yaxis()
        axes.set_xlabel("percent, with 95 % intervals")
        axes.set_xlim(0, 100)
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, frameon=False)
        return _svg(figure)


def precision_recall(retrieval: Sequence[Retrieval]) -> str:
    """Return precision-recall curves, a line for each ranking."""
    with _plot(6.2, 4.2) as (figure, axes):
        for one, style in _lines(retrieval):
            recall = 100 * np.array(one.recall_levels)
            axes.plot(recall, 100 * np.array(one.precision_levels), **style)
        axes.set_xlabel("recall, percent")
        axes.set_ylabel("precision, percent")
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 102)
        axes.legend(loc="lower left", frameon=False)
        return _svg(figure)


def cumulative_match(retrieval: Sequence[Retrieval]) -> str:
    """Return cumulative match characteristics, a line for each ranking."""
    from matplotlib.ticker import MaxNLocator

    with _plot(6.2, 4.2) as (figure, axes):
        for one, style in _lines(retrieval):
            matches = 100 * np.array(one.cumulative_match)
            axes.plot(np.arange(1, len(matches) + 1), matches, marker=".", **style)
        axes.set_xlabel("among the first … hits")
        axes.set_ylabel("queries with a relevant hit, percent")
        axes.set_ylim(top=100.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="lower right", frameon=False)
        return _svg(figure)


def confusion(classification: Classification) -> str:
    """Return the confusion matrix as a map: rows are true classes, columns what they were told."""
    counts = np.array(classification.confusion)
    labels = [*classification.by_class]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(2.2 + 0.36 * len(labels), 9)
    with _plot(side + 0.8, side) as (figure, axes):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        axes.set_xlabel("told as")
        axes.set_ylabel("true class")
        if len(labels) <= _NAMED:
            axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
            axes.set_yticks(range(len(labels)), labels)
            for row, column in np.argwhere(counts):
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(counts[row, column]), ha="center", va="center",
                          color=colour, fontsize=8)  # fmt: skip
        return _svg(figure)


def class_bars(by_extractor: Mapping[str, Retrieval]) -> str:
    """Return bars of mAP by class, for each extractor, with their intervals."""
    labels = [*dict.fromkeys(label for one in by_extractor.values() for label in one.by_class)]
    height = 1.0 + 0.16 * len(labels) * (len(by_extractor) + 1)
    with _plot(8, height) as (figure, axes):
        for place, (extractor, one) in enumerate(by_extractor.items()):
            offsets = np.arange(len(labels)) + (place + 0.5) / len(by_extractor) * 0.8 - 0.4
            estimates = [one.by_class.get(label, {}).get("map") for label in labels]
            _bars(axes, offsets, estimates, 0.8 / len(by_extractor), extractor, _colour(place))
        axes.set_yticks(np.arange(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("mAP, percent, with 95 % intervals")
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, frameon=False)
        return _svg(figure)


class _plot:  # noqa: N801
    """A figure with one pair of axes, in the style of the reports."""

    def __init__(self, width: float, height: float) -> None:
        import matplotlib

        self._size = width, height
        self._style = matplotlib.rc_context(_STYLE)

    def __enter__(self) -> tuple[Figure, Axes]:
        from matplotlib.figure import Figure

        self._style.__enter__()
        figure = Figure(figsize=self._size, layout="constrained")
        return figure, figure.add_subplot()

    def __exit__(self, *exception: Any) -> None:
        self._style.__exit__(*exception)


def _bars(
    axes: Axes,
    offsets: Any,
    estimates: Sequence[Estimate | None],
    height: float,
    label: str,
    colour: str,
) -> None:
    nothing = Estimate(float("nan"), float("nan"), float("nan"))
    known = [one or nothing for one in estimates]
    values = 100 * np.array([one.value for one in known])
    low = np.maximum(values - 100 * np.array([one.low for one in known]), 0)
    high = np.maximum(100 * np.array([one.high for one in known]) - values, 0)
    axes.barh(
        offsets, values, height * 0.92, xerr=np.stack([low, high]), label=_named(label),
        color=colour, error_kw={"ecolor": "#333", "elinewidth": 0.8, "capsize": 1.5},
    )  # fmt: skip


def _lines(retrieval: Sequence[Retrieval]) -> list[tuple[Retrieval, dict[str, Any]]]:
    """Return rankings with how their lines look: a colour an extractor, a dash a ranking."""
    extractors = [*dict.fromkeys(one.extractor for one in retrieval)]
    return [
        (
            one,
            {
                "color": _colour(extractors.index(one.extractor)),
                "linestyle": "-" if one.ranking == "photofind" else "--",
                "label": _named(f"{one.extractor}, {one.ranking}"),
            },
        )
        for one in retrieval
        if one.ranking != "Euclidean"
    ]


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


def _named(label: str) -> str:
    """Return a label that a legend shows: one with an underscore first would be left out."""
    return label.lstrip("_")


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
