"""The checks in a process of their own, for whoever does not trust the extractor."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from photofind.errors import ExtractorError, WorkerError, WorkerStartError
from photofind.paths import Home
from photofind.testing.checks import CHECKS, CheckFailedError, Figures, Subject, measure
from photofind.workers import Worker

__all__ = ["CheckReport", "CheckResult", "CheckService", "run_in_worker"]

_SECONDS = 300.0


@dataclass(frozen=True)
class CheckResult:
    """What came of one check: ``state`` is ``kept``, ``broken`` or ``skipped``, and why."""

    check: str
    promise: str
    state: str
    reason: str


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks, and what the extractor costs."""

    results: tuple[CheckResult, ...]
    figures: Figures


def run_in_worker(
    name: str,
    home: Home | None = None,
    *,
    measure_only: bool = False,
    progress: Callable[[CheckResult], None] = lambda result: None,
) -> CheckReport:
    """Check an extractor that is installed, whatever it does to its process.

    Parameters
    ----------
    name
        The extractor.
    home
        Where models are and what is converted is kept; this user's own where not given.
    measure_only
        Only find out what it costs.
    progress
        Told each result as it comes.

    Raises
    ------
    ExtractorError
        If it cannot be loaded at all.
    """
    results = []
    root = str((home or Home.default()).root)
    with Worker(
        "photofind.testing.service:CheckService",
        name="checking",
        options={"extractor": name},
        environment={"PHOTOFIND_HOME": root, "TF_CPP_MIN_LOG_LEVEL": "2"},
        start_seconds=_SECONDS,
    ) as worker:
        try:
            # First, in a process in which nothing else was loaded.
            figures = Figures(**worker.call("measure", timeout=_SECONDS).value)
        except WorkerStartError as error:
            raise ExtractorError(
                f"the extractor {name!r} cannot be used: {error.message}", error.hint
            ) from error
        except WorkerError as error:
            raise ExtractorError(f"the extractor {name!r} fails: {error.message}") from error
        for check in () if measure_only else CHECKS:
            try:
                state, reason = worker.call("run", timeout=_SECONDS, check=check.__name__).value
            except (ExtractorError, WorkerError) as error:
                state, reason = "broken", error.message
            promise = " ".join((check.__doc__ or "").split())
            results.append(
                CheckResult(check.__name__.removeprefix("check_"), promise, state, reason)
            )
            progress(results[-1])
    return CheckReport(tuple(results), figures)


class CheckService:
    """Runs checks, in a worker.

    Parameters
    ----------
    extractor
        The name of one that is installed.
    """

    def __init__(self, extractor: str) -> None:
        self._subject = Subject(extractor)

    def measure(self) -> dict[str, Any]:
        """Return the fields of :class:`~photofind.testing.checks.Figures`."""
        return asdict(measure(self._subject))

    def run(self, check: str) -> list[str]:
        """Run one check; return its state and the reason for it."""
        try:
            next(one for one in CHECKS if one.__name__ == check)(self._subject)
        except unittest.SkipTest as error:
            return ["skipped", str(error)]
        except CheckFailedError as error:
            return ["broken", str(error)]
        return ["kept", ""]
