"""A metric is learned from the judgements of a library, and taken only if it proves itself."""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from photofind.learning.feedback.metric import Example, Metric, fit
from photofind.learning.feedback.metric_files import MetricFiles
from photofind.learning.metrics import Estimate, average_precision, estimate_mean
from photofind.library.store import IndexInfo, Store
from photofind.model import MetricStatus
from photofind.model.judgements import Asked, Judgement
from photofind.ranking.projection import Vectors32, normalised
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

__all__ = ["learn", "state_of"]

Values = npt.NDArray[np.float64]

# Fewer judgements teach nothing that could be told from chance.
FEWEST_QUERIES, FEWEST_JUDGEMENTS = 10, 100
FOLDS = 5
# It has to rank so many more pairs right, certainly: it is tried again with each new judgement,
# so one that is no better would come through sooner or later.
LEAST_GAIN = 0.01
# Other photos may lose so much on the mean, which is noise, and no more.
LOSS = 0.001
# Other photos are tried: so many queries, among so many.
OTHERS, AMONG, SPREAD = 60, 600, 400
FEWEST_OTHERS = 10
# Where all photos are in one folder, so many hits are to stay first.
FIRST = 10


@dataclass(frozen=True, eq=False)
class _Judged:
    """What is judged for one query, by contents that photos of the library have."""

    own: frozenset[str]
    liked: Sequence[str]
    disliked: Sequence[str]
    example: Example


@dataclass(frozen=True, eq=False)
class _Tried:
    """What comes of a metric: figures before and after, one for each query, (q,) each."""

    before: Values
    after: Values

    @property
    def gain(self) -> Values:
        gained: Values = self.after - self.before
        return gained


def state_of(judgements: Sequence[Judgement], since: float) -> str:
    """Return what differs once the judgements do that a metric is learned from."""
    counted = sorted(
        (*one.asked.contents, one.content, str(one.liked))
        for one in judgements
        if one.moment > since
    )
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:32]


def learn(store: Store, files: MetricFiles, space: str) -> MetricStatus:
    """Learn a metric for a space from the judgements of the library; keep it if it is better.

    It is taken only where it ranks judged photos better of queries that it was not trained on, and
    ranks other photos of the library no worse. Otherwise what was taken before goes, for it was
    learned from judgements that are not the ones there are now.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    judgements = store.judgements()
    since = files.since(space)
    status = MetricStatus("none", space, "", trained=round(time.time(), 1))
    metric, status = _learned(store, space, [j for j in judgements if j.moment > since], status)
    files.keep(space, metric, status, state_of(judgements, since))
    return status


def _learned(
    store: Store, space: str, judgements: Sequence[Judgement], status: MetricStatus
) -> tuple[Metric | None, MetricStatus]:
    """Return a metric, if one is better than none, and what is to be said of it."""
    index = store.index(space)
    judged = [one for one in _by_query(store, space, judgements) if one.liked and one.disliked]
    count = sum(len(one.liked) + len(one.disliked) for one in judged)
    status = replace(status, judgements=count, queries=len(judged))
    if index is None:
        return None, replace(status, reason="the library is too small for an index")
    if len(judged) < FEWEST_QUERIES or count < FEWEST_JUDGEMENTS:
        return None, replace(
            status,
            reason=f"{count} judgements of {len(judged)} queries with likes and dislikes are too"
            f" few: a metric is learned from {FEWEST_JUDGEMENTS} of {FEWEST_QUERIES} or more",
        )
    held_out = _try_on_held_out(store, space, index, judged)
    metric = fit([one.example for one in judged], index.projection, index.plain)
    strongest = float(metric.weights[np.abs(metric.weights - 1).argmax()])
    status = replace(
        status,
        before=_mean(held_out.before),
        after=_mean(held_out.after),
        strongest=round(strongest, 3),
    )
    asked = {content for one in judgements for content in one.asked.contents}
    known = {one.content for one in judgements}
    others = _try_on_others(store, space, metric, asked, known)
    loss = None
    if others is not None:
        loss = estimate_mean(others.gain)
        status = replace(
            status, others_before=_mean(others.before), others_after=_mean(others.after)
        )
    is_taken, reason = _verdict(estimate_mean(held_out.gain), loss)
    if not is_taken:
        return None, replace(status, reason=reason)
    return metric, replace(status, state="on", reason=reason)


def _verdict(gain: Estimate, loss: Estimate | None) -> tuple[bool, str]:
    """Return whether a metric is taken, and why, with both figures.

    Parameters
    ----------
    gain
        Of judged photos that it was not trained on.
    loss
        What other photos gain or lose; None where there are too few.
    """
    judged = "judged photos of queries that it was not trained on"
    if not _is_better(gain):
        rest = "" if loss is None else f"; and other photos of the library: {_points(loss)}"
        return False, f"it would rank {judged} no better than before: {_points(gain)}{rest}"
    if loss is None:
        return False, "there are too few other photos to try it on"
    better = f"{judged} better: {_points(gain)}"
    if not _is_no_worse(loss):
        worse = f"it would rank other photos of the library worse: {_points(loss)}"
        return False, f"{worse}; and {better}"
    return True, f"it ranks {better}; and other photos of the library no worse: {_points(loss)}"


def _by_query(store: Store, space: str, judgements: Sequence[Judgement]) -> list[_Judged]:
    """Return what is judged of queries by photos of the library alone, with the embeddings."""
    grouped: defaultdict[Asked, list[Judgement]] = defaultdict(list)
    for one in judgements:
        if one.asked.contents and not one.asked.words and not one.asked.box:
            grouped[one.asked].append(one)
    found = []
    for asked, some in grouped.items():
        own, query = _embedded(store, space, asked.contents)
        liked, good = _embedded(store, space, [one.content for one in some if one.liked])
        disliked, bad = _embedded(store, space, [one.content for one in some if not one.liked])
        if own:
            found.append(_Judged(frozenset(own), liked, disliked, Example(query, good, bad)))
    return found


def _embedded(store: Store, space: str, contents: Sequence[str]) -> tuple[list[str], Vectors32]:
    """Return those of some contents that photos have and that are embedded."""
    there = store.by_content(contents)
    has, vectors = store.embeddings(space, contents)
    has &= np.array([content in there for content in contents], np.bool_)
    return [*compress(contents, has)], normalised(vectors[has])


def _try_on_held_out(
    store: Store, space: str, index: IndexInfo, judged: Sequence[_Judged]
) -> _Tried:
    """Rank the judged photos of each query by a metric that was fitted on other queries.

    The figure is the share of pairs of a liked and a disliked photo that are ranked right.
    """
    order = np.random.default_rng(0).permutation(len(judged)).tolist()
    spread, _ = store.sample(space, SPREAD)
    before, after = np.zeros((2, len(judged)))
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        rest = [judged[place].example for place in order if place not in held_out]
        metric = fit(rest, index.projection, index.plain)
        for place in held_out:
            one = judged[place]
            contents = [*dict.fromkeys([*one.liked, *one.disliked, *spread])]
            known, base, moved = _rank(store, space, one.example.query, one.own, contents, metric)
            liked = np.array([content in {*one.liked} for content in known], np.bool_)
            disliked = np.array([content in {*one.disliked} for content in known], np.bool_)
            before[place], after[place] = (
                (values[liked][:, np.newaxis] > values[disliked]).mean() for values in (base, moved)
            )
    return _Tried(before, after)


def _try_on_others(
    store: Store, space: str, metric: Metric, asked: Collection[str], judged: Collection[str]
) -> _Tried | None:
    """Search with photos of the library that were no queries; None where there are too few.

    Those that were not judged come first. Photos of one folder are to find each other. Where all
    are in one folder, each is to find the photos that it found before.
    """
    sample, vectors = store.sample(space, OTHERS + len({*asked, *judged}), seed=1)
    places = [place for place, one in enumerate(sample) if one not in asked]
    queries = sorted(places, key=lambda place: sample[place] in judged)[:OTHERS]
    contents = store.sample(space, AMONG, seed=2)[0]
    folders = {
        content: {os.path.dirname(photo.path) for photo in photos}  # noqa: PTH120
        for content, photos in store.by_content([*sample, *contents]).items()
    }
    are_many = len(frozenset().union(*folders.values())) > 1
    figures = []
    for place in queries:
        query = normalised(vectors[place : place + 1])
        own = sample[place]
        others = [content for content in contents if content != own]
        known, base, moved = _rank(store, space, query, frozenset([own]), others, metric)
        if are_many:
            relevant = np.array(
                [not folders[own].isdisjoint(folders.get(one, ())) for one in known], np.bool_
            )
        else:
            relevant = np.isin(np.arange(len(base)), np.argsort(-base)[:FIRST])
        if relevant.any():
            orders = np.stack([np.argsort(-values, kind="stable") for values in (base, moved)])
            figures.append(average_precision(relevant[orders]))
    if len(figures) < FEWEST_OTHERS:
        return None
    before, after = np.array(figures).T
    return _Tried(before, after)


def _rank(
    store: Store,
    space: str,
    query: Vectors32,
    own: frozenset[str],
    contents: Sequence[str],
    metric: Metric,
) -> tuple[list[str], Values, Values]:
    """Return contents with how alike they are to a query, without a metric and with it."""
    compared = compare(store, space, Embedded(query, query[:0], own)).compare(contents)
    base = compared.similarities.astype(np.float64)
    moved = base + metric.weight(query) * metric.shift(query, compared.embeddings, base)
    return [*compress(contents, compared.known)], base, moved


def _is_better(gain: Estimate) -> bool:
    return gain.low >= LEAST_GAIN


def _is_no_worse(gain: Estimate) -> bool:
    return gain.value >= -LOSS and gain.high >= 0


def _mean(values: Values) -> float:
    return round(float(values.mean()), 4)


def _points(estimate: Estimate) -> str:
    return (
        f"{100 * estimate.value:+.1f} points"
        f" ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"
    )
