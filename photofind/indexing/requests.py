"""An indexing that was asked for: what it waits for, and its report."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from photofind.errors import PhotofindError
from photofind.indexing.batch_commit import Outcome
from photofind.indexing.full_scan import FullScan
from photofind.indexing.scan import Found
from photofind.model import Report, Skipped
from photofind.model.counted import counted

__all__ = ["Request", "could_not_be_embedded"]


class Request:
    """An indexing that was asked for.

    Parameters
    ----------
    folders
        The paths of the folders to scan.
    accept_removals
        Believe that photos are gone however many they are.
    retry_failed
        Read photos again that failed before, though they have not changed.
    every
        Wait for all extractors in use, not only for the one that reads what is new.
    counts_backlog
        Whether the report counts the photos of the backlog too, not only those that the scan found
        new or changed.
    """

    def __init__(
        self,
        folders: Sequence[str],
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        every: bool = False,
        counts_backlog: bool = False,
    ) -> None:
        self.folders = folders
        self.accept_removals = accept_removals
        self.retry_failed = retry_failed
        self.every = every
        self.counts_backlog = counts_backlog
        self._outstanding: dict[str, Found] = {}
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._skipped: list[Skipped] = []
        self._offline: list[Skipped] = []
        self._began = time.monotonic()
        self._report: Report | None = None
        self._error: PhotofindError | None = None
        self._finished = threading.Event()

    @property
    def is_done(self) -> bool:
        """Whether all files that it waits for are read."""
        return not self._outstanding

    def scanned(self, seen: FullScan) -> None:
        """Note what a scan found; its unread files are waited for."""
        changes = seen.changes
        self._outstanding.update((file.path, file) for file in changes.unread)
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

    def read(self, outcomes: Mapping[str, Outcome], *, whole: bool) -> None:
        """Note what became of files; ``whole`` where not only their thumbnails were read."""
        for path, outcome in outcomes.items():
            is_outstanding = path in self._outstanding
            if not (is_outstanding or self.counts_backlog):
                continue
            self._counts[outcome.kind] += 1
            self._counts["failed"] += outcome.failed
            # What the scan took for unchanged was read all the same.
            self._counts["known"] += not is_outstanding and outcome.kind not in ("new", "moved")
            if whole:
                self._outstanding.pop(path, None)

    def embedded(self, extractor: str, outcomes: Mapping[str, Outcome]) -> None:
        """Note what became of photos that another extractor was to embed too."""
        if self.counts_backlog:
            refused = sum(outcome.kind == "refused" for outcome in outcomes.values())
            self._refused[extractor] += refused

    def settled(self, paths: Iterable[str]) -> None:
        """Wait no longer for these: they are gone, or as they were known."""
        for path in paths:
            self._outstanding.pop(path, None)

    def still_fresh(self, files: Iterable[Found]) -> None:
        """Wait no longer for those of the files that have changed since the scan."""
        for file in files:
            if file != self._outstanding.get(file.path, file):
                del self._outstanding[file.path]
                self._skipped.append(Skipped(file.path, "it is still being written"))

    def cannot_reach(self, folder: str, reason: str, paths: Iterable[str]) -> None:
        """Wait no longer for the files of a folder that went out of reach."""
        self.settled(paths)
        if folder not in {skip.path for skip in self._offline}:
            self._offline.append(Skipped(folder, reason))

    def finish(self, failing: Iterable[str] = ()) -> None:
        """Complete the report, and end the wait for it.

        Parameters
        ----------
        failing
            A line for each extractor that does not work, or has not embedded all photos.
        """
        assert self._report is not None
        counts = self._counts
        offline = {skip.path for skip in self._report.offline}
        refused = [could_not_be_embedded(n, name) for name, n in self._refused.items() if n]
        self._report = replace(
            self._report,
            unchanged=max(0, self._report.unchanged - counts["known"]) + counts["unchanged"],
            new=counts["new"],
            changed=counts["changed"] + counts["refined"] * self.counts_backlog,
            moved=self._report.moved + counts["moved"],
            removed=max(0, self._report.removed - counts["moved"]),
            failed=counts["failed"],
            skipped=(*self._report.skipped, *self._skipped),
            offline=(*self._report.offline, *(s for s in self._offline if s.path not in offline)),
            seconds=time.monotonic() - self._began,
            notes=(*refused, *failing),
        )
        self._finished.set()

    def fail(self, error: PhotofindError) -> None:
        """End the wait with an error."""
        self._error = error
        self._finished.set()

    def wait(self) -> Report:
        """Wait until it is finished, and return the report.

        Raises
        ------
        PhotofindError
            It failed.
        """
        self._finished.wait()
        if self._error is not None:
            raise self._error
        assert self._report is not None
        return self._report


def could_not_be_embedded(photos: int, extractor: str) -> str:
    """Return a line for the user of how many photos an extractor could not embed."""
    count = counted(photos, "photo")
    return f"{count} could not be embedded by {extractor}; `photofind failures` says why"
