"""Running the checks in a worker process, for untrusted extractors."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from photofind.errors import ExtractorError, WorkerError, WorkerStartError
from photofind.extractors.registry import installed
from photofind.paths import Home
from photofind.testing.checks import CHECKS
from photofind.testing.equal_failures import EqualFailures
from photofind.testing.measuring import Figures, measure
from photofind.testing.subject import CheckFailedError, Subject
from photofind.workers import Worker

__all__ = ["CheckReport", "CheckResult", "CheckService", "run_in_worker"]

_SECONDS = 300.0


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Attributes
    ----------
    check, promise
        Its name, and what it requires.
    state, reason
        ``kept``, ``broken``, ``skipped`` (it has no such ability) or ``not run``, and why.
    details
        The traceback of the plugin's own error, where there was one.
    """

    check: str
    promise: str
    state: str
    reason: str
    details: str = ""


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks, and the cost of the extractor; None if it fails."""

    results: tuple[CheckResult, ...]
    figures: Figures | None


def run_in_worker(
    name: str,
    home: Home | None = None,
    *,
    measure_only: bool = False,
    progress: Callable[[CheckResult], None] = lambda result: None,
) -> CheckReport:
    """Check an installed extractor in a worker process.

    If it fails in the same way in two checks, the others are left out: they would too.

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
        If it is not installed, or cannot be measured and nothing else is wanted.
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
        figures, failures = None, EqualFailures()
        try:
            # First, in a process with nothing else loaded.
            figures = Figures(**worker.call("measure", timeout=_SECONDS).value)
        except (ExtractorError, WorkerError) as error:
            if measure_only or not _is_installed(name, home):
                kind = "cannot be used" if isinstance(error, WorkerStartError) else "fails"
                raise ExtractorError(
                    error.message
                    if isinstance(error, ExtractorError)
                    else f"the extractor {name!r} {kind}: {error.message}",
                    error.hint,
                    error.details,
                ) from error
            failures.add("measuring", error)
        for check in () if measure_only else CHECKS:
            short, details = check.__name__.removeprefix("check_"), ""
            try:
                if failures.reason:
                    state, reason = "not run", failures.reason
                else:
                    answer = worker.call("run", timeout=_SECONDS, check=check.__name__)
                    state, reason = answer.value
            except (ExtractorError, WorkerError) as error:
                state, reason, details = "broken", error.message, error.details
                failures.add(short, error)
            promise = " ".join((check.__doc__ or "").split())
            results.append(CheckResult(short, promise, state, reason, details))
            progress(results[-1])
    return CheckReport(tuple(results), figures)


def _is_installed(name: str, home: Home | None) -> bool:
    return name in {plugin.name for plugin in installed(home)}


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
        """Return the fields of :class:`~photofind.testing.measuring.Figures`."""
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
