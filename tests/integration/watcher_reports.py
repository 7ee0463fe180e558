"""What a watcher reports, and a mirror that is kept true by nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from waiting import patience

from photofind.indexing.excludes import Rules
from photofind.indexing.scan import Found, scan
from photofind.indexing.watching.events import Change, Kind
from photofind.model import Skipped
from photofind.paths import is_below

PATIENCE = 60.0


class WatcherReports:
    """Collects reports: give :meth:`take` to the watcher."""

    def __init__(self) -> None:
        self.batches: list[list[Change]] = []
        self.times: list[float] = []
        self._changed = threading.Condition()

    def take(self, changes: Sequence[Change]) -> None:
        with self._changed:
            self.batches.append(list(changes))
            self.times.append(time.monotonic())
            self._changed.notify_all()

    @property
    def all(self) -> list[Change]:
        with self._changed:
            return [change for batch in self.batches for change in batch]

    def forget(self) -> None:
        with self._changed:
            self.batches.clear()
            self.times.clear()

    def wait_for(self, *changes: Change, seconds: float = PATIENCE) -> None:
        """Wait until all of these were reported."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: {c for batch in self.batches for c in batch} >= set(changes),
                patience(seconds),
            )
        assert came, f"{set(changes) - set(self.all)} is not among {self.all}"


class Mirror:
    """Knows the photos of folders from what is reported alone, as the library does."""

    def __init__(self, folders: dict[str, Rules], apart: Sequence[str] = ()) -> None:
        self.known: dict[str, Found] = {}
        self._folders = folders
        self._apart = apart

    def take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.kind is Kind.TREE:
                self._resolve(change.path)
                continue
            try:
                status = Path(change.path).stat()
            except PermissionError:  # What is known of it stays known.
                continue
            except OSError:
                self._drop(change.path)
                continue
            if change.kind is not Kind.GONE:
                self.known[change.path] = Found(
                    change.path, status.st_size, status.st_mtime_ns, status.st_ino
                )

    def scanned(self) -> dict[str, Found]:
        """Return what a scan finds now."""
        return {
            found.path: replace(found, sidecar=None)
            for folder in self._folders
            for found in self._scan(folder)
            if isinstance(found, Found)
        }

    def _scan(self, folder: str) -> Iterator[Found | Skipped]:
        apart = [*(other for other in self._folders if other != folder), *self._apart]
        return scan(folder, self._folders[folder], apart=apart)

    def _resolve(self, tree: str) -> None:
        """Look at all that is below ``tree``, which is done here by looking at everything."""
        for folder in self._folders:
            if is_below(tree, folder) or is_below(folder, tree):
                entries = [entry for entry in self._scan(folder) if is_below(entry.path, tree)]
                kept = {
                    path: found
                    for path, found in self.known.items()
                    for entry in entries
                    if isinstance(entry, Skipped) and is_below(path, entry.path)
                }
                self._drop(tree, folder)
                self.known |= kept
                for entry in entries:
                    if isinstance(entry, Found):
                        self.known[entry.path] = replace(entry, sidecar=None)

    def _drop(self, place: str, folder: str | None = None) -> None:
        if self.known.pop(place, None) is not None:
            return
        for path in list(self.known):
            if is_below(path, place) and (folder is None or self._folder_of(path) == folder):
                del self.known[path]

    def _folder_of(self, path: str) -> str:
        return max((f for f in self._folders if is_below(path, f)), key=len)


def eventually(is_true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until something is true; return whether it came to that."""
    began = time.monotonic()
    while not is_true():
        if time.monotonic() - began > patience(seconds):
            return False
        time.sleep(0.02)
    return True
