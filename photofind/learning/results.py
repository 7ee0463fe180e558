"""What an evaluation found: plain values, which become JSON and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from photofind.learning.engines import EngineFigures
from photofind.learning.metrics import Estimate

__all__ = [
    "BASELINE",
    "PROTOCOLS",
    "Classification",
    "Evaluation",
    "Example",
    "Leak",
    "Retrieval",
    "ScoreMeaning",
]

Figures = Mapping[str, Estimate]

PROTOCOLS = {
    "classification": "Classification of held-out photos",
    "query in gallery": "P@k with the query in the gallery",
    "leave-one-out": "Full mAP, leave-one-out",
    "held out": "Retrieval by held-out photos",
}
"""The protocols, with their names. Figures of one do not compare with those of another."""

BASELINE = {"precision": 0.932, "recall": 0.918, "f1": 0.904, "true_positive_rate": 0.928}
"""A published MobileNet classifier on Corel-1K (10 classes, held-out photos), macro figures."""


@dataclass(frozen=True)
class Leak:
    """Two photos of one picture, of which one was taken out.

    Parameters
    ----------
    kind
        "same content" or "near copy".
    kept, removed
        Their paths.
    labels
        Their labels, of the kept one first. Where they differ, one may be wrong.
    """

    kind: str
    kept: str
    removed: str
    labels: tuple[str, str]


@dataclass(frozen=True)
class Classification:
    """How well photos are told by class from one embedding.

    Parameters
    ----------
    extractor
        The choice of extractors.
    classifier
        "k-NN, " with a metric or "photofind's ranking", or "linear probe".
    setting
        "held out", "leave-one-out" or "10 folds".
    photos
        How many were classified.
    macro, micro
        Precision, recall, f1, true_positive_rate and false_positive_rate: means over classes, and
        over all photos at once.
    accuracy
        The share that is right.
    by_class
        Precision, recall, f1 and false_positive_rate of each label.
    confusion
        Rows are true classes, columns what they were taken for, in the order of ``by_class``.
    """

    extractor: str
    classifier: str
    setting: str
    photos: int
    accuracy: Estimate
    macro: Figures
    micro: Figures
    by_class: Mapping[str, Figures]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Retrieval:
    """How well photos find those with their label.

    Parameters
    ----------
    extractor
        The choice of extractors.
    ranking
        "cosine", "centred cosine", "Euclidean" or "photofind".
    protocol
        A key of :data:`PROTOCOLS`.
    queries
        How many photos were asked with.
    figures
        ``map``, ``map_at_r``, and ``precision_at_K`` and ``recall_at_K`` by depth.
    by_class
        The same for the queries of each label.
    recall_levels, precision_levels
        The precision-recall curve, interpolated.
    cumulative_match
        The share of queries with a relevant hit among the first 1, 2, ... (CMC).
    precision_levels_by_class, cumulative_match_by_class
        The same for the queries of each label.
    """

    extractor: str
    ranking: str
    protocol: str
    queries: int
    figures: Figures
    by_class: Mapping[str, Figures]
    recall_levels: tuple[float, ...]
    precision_levels: tuple[float, ...]
    cumulative_match: tuple[float, ...]
    precision_levels_by_class: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    cumulative_match_by_class: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreMeaning:
    """What photofind's scores mean on these labels.

    Parameters
    ----------
    extractor
        The choice of extractors.
    at_least
        The score.
    precision
        The share of the pairs with this score or more that have one label.
    found
        The share of the pairs of one label that have it.
    false
        The share of the pairs of different labels that have it.
    """

    extractor: str
    at_least: float
    precision: Estimate
    found: Estimate
    false: Estimate


@dataclass(frozen=True)
class Example:
    """A query with its first hits by photofind's ranking.

    Parameters
    ----------
    extractor
        The choice of extractors.
    query, label
        Its path and label.
    hits, hit_labels
        The paths and labels of its hits, best first.
    """

    extractor: str
    query: str
    label: str
    hits: tuple[str, ...]
    hit_labels: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """All that was found.

    Parameters
    ----------
    source, kind
        The folder or CSV, and whether labels are "classes" or "scenes".
    created
        When, ISO 8601, UTC.
    photos
        How many were evaluated, after copies were taken out.
    classes
        How many have each label.
    extractors
        The versions of the spaces, by the choice of extractors.
    split
        The share that was held out; None for leave-one-out.
    seed
        Of the split and the intervals.
    settings
        What else was chosen: neighbours of k-NN and the like.
    versions
        Of photofind and the libraries.
    classification, retrieval, scores, engines
        The figures; engines by the choice of extractors.
    examples
        Queries with their hits.
    leaks
        What was taken out.
    failures
        Path and reason of each photo that could not be read.
    left_out
        Name and reason of each installed extractor that does not work here.
    notes
        What people should know, a line each.
    complete
        Whether it went to its end.
    seconds
        How long it took.
    """

    source: str
    kind: str
    created: str
    photos: int
    classes: Mapping[str, int]
    extractors: Mapping[str, str]
    split: float | None
    seed: int
    settings: Mapping[str, int | float | str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    classification: tuple[Classification, ...] = ()
    retrieval: tuple[Retrieval, ...] = ()
    scores: tuple[ScoreMeaning, ...] = ()
    engines: Mapping[str, tuple[EngineFigures, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    leaks: tuple[Leak, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool = True
    seconds: float = 0.0
