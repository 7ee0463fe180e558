"""Relevance feedback: judgements are kept, rank answers anew, and train a metric."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from photofind.app.references import find_photo
from photofind.errors import LibraryError
from photofind.learning.feedback.learner import learn, state_of
from photofind.learning.feedback.reranking import Reranker
from photofind.model import Answer, MetricStatus, Query
from photofind.model.judgements import Judgement
from photofind.search.spaces import complete_fused_space

if TYPE_CHECKING:
    from collections.abc import Iterable

    from photofind.app.resources import Resources
    from photofind.learning.feedback.metric import Metric

__all__ = [
    "forget_metric",
    "is_metric_due",
    "judge",
    "learn_metric",
    "metric_status",
    "reranker",
]


def reranker(resources: Resources, query: Query) -> Reranker | None:
    """Return what ranks the answer to a query anew; None where nothing is to."""
    settings = resources.settings
    kept = settings.feedback if query.feedback is None else query.feedback
    learns = _lets_metric_count(resources, query)
    return _reranker(resources, query, kept=kept) if kept or learns else None


def _lets_metric_count(resources: Resources, query: Query) -> bool:
    return resources.settings.metric and query.feedback is not False


def judge(
    resources: Resources,
    query: Query,
    likes: Sequence[int],
    dislikes: Sequence[int],
    forget: Sequence[int],
) -> Answer:
    """Answer a query with judgements of photos, given by their ids, and keep these.

    Raises
    ------
    LibraryError
        A photo is not in the library or not read whole yet, or is judged in two ways.
    """
    liked, disliked, forgotten = (
        {_content(resources, photo): photo for photo in photos}
        for photos in (likes, dislikes, forget)
    )
    if liked.keys() & disliked.keys() or forgotten.keys() & {*liked, *disliked}:
        raise LibraryError("a photo was judged in two ways at once", "judge it one way")
    ranking = _reranker(
        resources, query, liked=liked, disliked=disliked, forgotten=forgotten, kept=True
    )
    answer = resources.searcher.similar(query, ranking)
    assert ranking.asked is not None
    if not (liked or disliked or forgotten):
        return answer
    now, asked = round(time.time(), 3), ranking.asked
    with resources.writing() as library:
        library.judge(
            [
                *(Judgement(asked, content, True, now) for content in liked),
                *(Judgement(asked, content, False, now) for content in disliked),
            ]
        )
        library.forget_judgements(Judgement(asked, content, True) for content in forgotten)
    return answer


def metric_status(resources: Resources) -> MetricStatus:
    """Return how the metric is that is learned from judgements, or why there is none."""
    space = _space(resources)
    status = resources.metric_files.status(space)
    if status is None:
        return MetricStatus("none", space, "nothing was learned from judgements yet")
    if status.state == "on" and resources.metric_files.metric(space) is None:
        return replace(status, state="none", reason="its file was lost; it is learned again")
    is_off = status.state == "on" and not resources.settings.metric
    return replace(status, state="off") if is_off else status


def learn_metric(resources: Resources) -> MetricStatus:
    """Learn a metric now."""
    learn(resources.library, resources.metric_files, _space(resources))
    return metric_status(resources)


def forget_metric(resources: Resources) -> MetricStatus:
    """Forget the metric; what was judged so far does not train another one."""
    resources.metric_files.forget(_space(resources), state_of((), 0))
    return metric_status(resources)


def is_metric_due(resources: Resources) -> bool:
    """Return whether judgements have changed since a metric was learned from them last."""
    if not resources.may_rerank:
        return False
    space = _space(resources)
    files = resources.metric_files
    return state_of(resources.library.judgements(), files.since(space)) != files.learned_from(space)


def _reranker(
    resources: Resources,
    query: Query,
    *,
    liked: Iterable[str] = (),
    disliked: Iterable[str] = (),
    forgotten: Iterable[str] = (),
    kept: bool,
) -> Reranker:
    def metric(space: str) -> Metric | None:
        counts = _lets_metric_count(resources, query)
        return resources.metric_files.metric(space) if counts else None

    return Reranker(
        resources.library, metric, liked=liked, disliked=disliked, forgotten=forgotten, kept=kept
    )


def _space(resources: Resources) -> str:
    """Return the id of the space that ranks answers."""
    answering = resources.searcher.answering()
    together = complete_fused_space(resources.library, answering.weights)
    return (together or answering.first).id


def _content(resources: Resources, photo: int) -> str:
    known = find_photo(resources.library, photo)
    if not known.content or known.preliminary:
        raise LibraryError(
            f"{known.path} has not been read whole yet", "try again when it is indexed"
        )
    return known.content
