"""Evaluating extractors on labelled photos, in this process; the library is only read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from photofind.app.reports import REPORT, keep_report, record_of, write_report
from photofind.app.resources import Resources
from photofind.errors import (
    ExtractorError,
    LearningError,
    LibraryError,
    PhotofindError,
    WorkerError,
)
from photofind.extractors.presence import installed_names
from photofind.learning.evaluation import Plan, evaluate
from photofind.learning.gallery import make_gallery
from photofind.learning.labels import enough_labels, read_labels
from photofind.learning.report import report_page
from photofind.learning.results import Evaluation
from photofind.library.stores import store_exists
from photofind.model import EvaluationRecord, Progress
from photofind.paths import new_private_file, private_folder, remove_file
from photofind.system.disk import explain_disk_errors
from photofind.system.extras import require_extra

__all__ = ["Evaluated", "evaluate_photos", "figures_of"]

_THUMBNAIL = 128

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Evaluated:
    """An evaluation, which is complete unless it was interrupted.

    Parameters
    ----------
    evaluation
        What was found.
    report
        The file of its report; None where the disk refused it.
    refusal
        Why it did.
    record
        By which the home keeps the report.
    """

    evaluation: Evaluation
    report: Path | None
    refusal: LibraryError | None = None
    record: EvaluationRecord | None = None


def evaluate_photos(
    resources: Resources,
    source: str,
    *,
    choices: Sequence[str] = (),
    every: bool = False,
    scenes: bool = False,
    plan: Plan | None = None,
    output: str | None = None,
    progress: Report = lambda progress: None,
) -> Evaluated:
    """Evaluate extractors on labelled photos, and keep the report.

    Ctrl-C ends the evaluation; what was found by then becomes a report that says so.

    Parameters
    ----------
    source
        A folder of class folders, or a CSV of labels.
    choices
        Names of extractors, or several that compare together, as in "a,b"; those in use by default.
    every
        Evaluate all that are installed, each by itself; those that do not work are left out.
    scenes
        Whether labels name scenes.
    output
        A folder that gets the report too, besides the home.

    Raises
    ------
    LearningError
        The photos or their labels are not such that anything can be measured, or matplotlib is not
        installed.
    ExtractorError
        An extractor that was asked for does not work.
    LibraryError
        The output folder cannot be written.
    KeyboardInterrupt
        It was interrupted before anything was found.
    """
    require_extra("evaluate", "a report", LearningError)
    photos = enough_labels(read_labels(source, scenes=scenes))
    folder = Path(output) if output else None
    if folder is not None:
        _prepare(folder)  # That it cannot be written is told before, not after, the work.
    left_out: dict[str, str] = {}
    if every:
        choices = _working(resources, left_out, progress)
    choices = [*dict.fromkeys(choices or [resources.settings.extractor])]
    store = None
    if store_exists(resources.home):
        store = resources.library
        store.refresh()
    # What libraries keep for themselves stays in the home too.
    with explain_disk_errors(resources.home.cache):
        cache = private_folder(resources.home.cache)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(resources.home.numba_cache))
    os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    gallery = make_gallery(
        photos, choices, resources.extraction, store, cache / "labelled", progress
    )
    resources.extraction.close()  # The workers' memory is of more use to what follows.
    found: Evaluation | None = None
    try:
        for one in evaluate(gallery, plan or Plan(), progress):
            found = one
    except KeyboardInterrupt:
        if found is None:
            raise
    assert found is not None
    found = replace(found, left_out=tuple(left_out.items()))
    which = "the report" if found.complete else "a report of what was measured by now"
    progress(Progress(f"writing {which}", 0))
    try:
        report, record = _write(resources, found, folder)
        return Evaluated(found, report, None, record)
    except LibraryError as error:  # What took minutes to find is shown all the same.
        return Evaluated(found, None, error)


def figures_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON has it: what is unknown is None."""
    figures: dict[str, Any] = _without_nan(asdict(evaluation))
    return figures


def _write(
    resources: Resources, found: Evaluation, folder: Path | None
) -> tuple[Path, EvaluationRecord]:
    def thumbnail(path: str) -> bytes | None:
        with suppress(OSError, PhotofindError):
            status = Path(path).stat()
            stamp = (status.st_size, status.st_mtime_ns)
            return resources.thumbnails.get(path, _THUMBNAIL, stamp)
        return None

    page, figures = report_page(found, thumbnail), figures_of(found)
    record = record_of(
        page, found.created, found.source, found.photos, len(found.classes),
        tuple(found.extractors), complete=found.complete,
    )  # fmt: skip
    if folder is not None:
        with explain_disk_errors(folder):
            write_report(folder, page, figures)
    with explain_disk_errors(resources.home.evaluations):
        kept = keep_report(resources.home, page, figures, record)
    return (kept if folder is None else folder / REPORT), record


def _prepare(folder: Path) -> None:
    """Make a folder for a report, or see that it can be written."""
    with explain_disk_errors(folder):
        private_folder(folder)
        descriptor, file = new_private_file(folder / REPORT)
        os.close(descriptor)
        remove_file(file)


def _working(resources: Resources, left_out: dict[str, str], progress: Report) -> list[str]:
    """Return the names of the installed extractors that work; note why others do not."""
    names = []
    for name in sorted(installed_names(resources.home)):
        progress(Progress(f"trying the extractor {name}", 0))
        try:
            resources.extraction(name).info()
        except (ExtractorError, WorkerError) as error:
            left_out[name] = error.message
        else:
            names.append(name)
    return names


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
