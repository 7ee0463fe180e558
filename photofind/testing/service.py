"""Running the checks in a worker process, for untrusted extractors."""

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
    """The result of a check: ``state`` is ``kept``, ``broken`` or ``skipped``."""

    check: str
    promise: str
    state: str
    reason: str


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks, and the cost of the extractor."""

    results: tuple[CheckResult, ...]
    figures: Figures


def run_in_worker(
    name: str,
    home: Home | None = None,
    *,
    measure_only: bool = False,
    progress: Callable[[CheckResult], None] = lambda result: None,
) -> CheckReport:
    """Check an installed extractor in a worker process.

    Parameters
    ----------
    name
        The extractor.
    home
        The home with the models and the conversion cache; this user's by default.
    measure_only
        Only measure the cost.
    progress
        Called with each result.

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
            # First, in a process with nothing else loaded.
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
        The name of an installed extractor.
    """

    def __init__(self, extractor: str) -> None:
        self._subject = Subject(extractor)

    def measure(self) -> dict[str, Any]:
        """Return the fields of :class:`~photofind.testing.checks.Figures`."""
        return asdict(measure(self._subject))

    def run(self, check: str) -> list[str]:
        """Run a check; return its state and reason."""
        try:
            next(function for function in CHECKS if function.__name__ == check)(self._subject)
        except unittest.SkipTest as error:
            return ["skipped", str(error)]
        except CheckFailedError as error:
            return ["broken", str(error)]
        return ["kept", ""]
