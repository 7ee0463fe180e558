"""An indexing that somebody asked for and waits for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from photofind.errors import PhotofindError
from photofind.indexing.changes import Changes
from photofind.indexing.reading import Outcome
from photofind.indexing.survey import Survey
from photofind.model import Report, Skipped

__all__ = ["Request"]


class Request:
    """An indexing that somebody waits for.

    Attributes
    ----------
    folders, accept_removals, retry_failed
        What was asked for.
    outstanding
        Paths of files that are still to be read whole.
    """

    def __init__(self, folders: Sequence[str], accept_removals: bool, retry_failed: bool) -> None:
        self.folders = folders
        self.accept_removals = accept_removals
        self.retry_failed = retry_failed
        self.outstanding: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._began = time.monotonic()
        self._report: Report | None = None
        self._error: PhotofindError | None = None
        self._finished = threading.Event()

    def surveyed(self, seen: Survey, changes: Changes) -> None:
        """Note what was found."""
        self._report = Report(
            found=seen.found,
            unchanged=changes.unchanged + len(changes.renumbered),
            new=0,
            changed=0,
            moved=len(changes.moved),
            removed=len(changes.gone),
            failed=0,
            kept=seen.kept,
            offline=tuple(
                Skipped(folder.path, folder.reason or "")
                for folder in seen.folders
                if folder.state == "offline"
            ),
            skipped=tuple(seen.skipped),
            seconds=0.0,
        )

    def done(self, outcomes: Mapping[str, Outcome], *, final: bool) -> None:
        """Note what became of files; ``final`` where they were read whole."""
        for path, outcome in outcomes.items():
            if path in self.outstanding:
                self._counts[outcome.kind] += 1
                self._counts["failed"] += outcome.failed
                if final:
                    self.outstanding.discard(path)

    def finish(self) -> None:
        """Let whoever waits have the report."""
        assert self._report is not None
        counts = self._counts
        self._report = replace(
            self._report,
            new=counts["new"],
            changed=counts["changed"],
            moved=self._report.moved + counts["moved"],
            removed=max(0, self._report.removed - counts["moved"]),
            failed=counts["failed"],
            seconds=time.monotonic() - self._began,
        )
        self._finished.set()

    def fail(self, error: PhotofindError) -> None:
        """Let whoever waits have an error."""
        self._error = error
        self._finished.set()

    def wait(self) -> Report:
        """Wait until it is done."""
        self._finished.wait()
        if self._error is not None:
            raise self._error
        assert self._report is not None
        return self._report
