"""Evaluating and training in a worker: they import what a process that answers must not."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from photofind.errors import ExtractorError, LearningError
from photofind.model import EvaluationRecord, MeanPrecision, Progress, TrainedExtractor
from photofind.model.codec import as_plain, revive
from photofind.paths import Home
from photofind.workers import Worker

if TYPE_CHECKING:
    from photofind.learning.training.card import TrainingCard
    from photofind.learning.training.gate import Comparison
    from photofind.model import TrainingMethod

__all__ = ["LearningService", "evaluate", "learning_worker", "train"]

# Without a sign of progress: the longest steps compile code, or train an epoch.
_SECONDS = 1800.0

Report = Callable[[Progress], None]


def learning_worker(home: Home) -> Worker:
    """Return a worker that evaluates and trains, one thing after the other."""
    return Worker(
        "photofind.app.learning_worker:LearningService",
        name="learning",
        environment={"PHOTOFIND_HOME": os.fspath(home.root)},
        log=home.logs / "learning.log",
        idle_seconds=1.0,
    )


def evaluate(worker: Worker, source: str, progress: Report, **wanted: Any) -> EvaluationRecord:
    """Evaluate as `Operations.evaluate` does, in the worker."""
    note = _heard(progress)
    reply = worker.call("evaluate", timeout=_SECONDS, note=note, source=source, **wanted)
    return revive(EvaluationRecord, reply.value)


def train(worker: Worker, name: str, progress: Report, **wanted: Any) -> TrainedExtractor:
    """Train as `Operations.train` does, in the worker."""
    reply = worker.call("train", timeout=_SECONDS, note=_heard(progress), name=name, **wanted)
    return revive(TrainedExtractor, reply.value)


class LearningService:
    """Evaluates and trains, in the worker."""

    def evaluate(
        self,
        *,
        source: str,
        extractors: Sequence[str],
        split: float,
        scenes: bool,
        seed: int,
        engines: bool,
        note: Callable[[Any], None],
    ) -> Any:
        """Return the record of an evaluation."""
        from photofind.app.evaluation import evaluate_photos
        from photofind.app.resources import Resources
        from photofind.learning.evaluation import Plan

        resources = Resources(Home.default(), resident=False)
        try:
            done = evaluate_photos(
                resources,
                source,
                choices=extractors,
                scenes=scenes,
                plan=Plan(split or None, seed, engines=engines),
                progress=_told(note),
            )
        finally:
            resources.close()
        if done.refusal is not None:
            raise done.refusal
        return as_plain(done.record)

    def train(
        self,
        *,
        name: str,
        source: str | None,
        kind: str,
        extractor: str | None,
        split: float,
        replace: bool,
        note: Callable[[Any], None],
        **settings: Any,
    ) -> Any:
        """Return what is to be known of a trained extractor."""
        from photofind.app.training import TrainingRequest, train_extractor
        from photofind.extractors.add_model import check_name
        from photofind.learning.training.settings import settings_for

        home = Home.default()
        if (kind == "labels") == (source is None):
            raise LearningError("a source is needed for labels, and for nothing else")
        if check_name(home, name) is not None and not replace:
            raise ExtractorError(f"there is an extractor {name} already", "replace it")
        wanted = settings_for(**settings)
        request = TrainingRequest(name, wanted, source or "", kind, extractor, split)
        return as_plain(_outcome(train_extractor(home, request, _told(note))))


def _outcome(card: TrainingCard) -> TrainedExtractor:
    others = card.held_out_classes
    return TrainedExtractor(
        card.name,
        card.base,
        cast("TrainingMethod", card.method),
        card.settings["dimensions"],
        card.source,
        card.photos,
        card.passed,
        _precision(card.held_out_photos),
        None if others is None else _precision(others),
        _precision(card.training),
        card.remarks,
        card.notes,
        card.seconds,
    )


def _precision(one: Comparison) -> MeanPrecision:
    return MeanPrecision(one.before.value, one.pca.value, one.after.value)


def _told(note: Callable[[Any], None]) -> Report:
    return lambda progress: note(as_plain(progress))


def _heard(progress: Report) -> Callable[[Any], None]:
    return lambda note: progress(revive(Progress, note))
