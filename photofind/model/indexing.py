"""The progress and the outcome of indexing, and the events of the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from photofind.model.counted import counted

__all__ = [
    "Event",
    "Progress",
    "Report",
    "Skipped",
]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that could not be looked at: what is known at or below it stays known."""

    path: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far the indexing is.

    Parameters
    ----------
    phase
        What it does, in words: "looking for photos" or "reading photos".
    done, total
        Photos in this phase; ``total`` is None while it is not known.
    failed
        How many of those done could not be read.
    rate
        Photos a second, smoothed; None until it is known.
    seconds_left
        The same in time; None until it is known.
    """

    phase: str
    done: int
    total: int | None = None
    failed: int = 0
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Report:
    """What an indexing found and did, in photos where nothing else is said.

    Parameters
    ----------
    found
        On disk.
    unchanged
        As they were.
    new, changed
        Read: not known before, and known before.
    moved
        Known under another path before; they kept their vectors.
    removed
        No longer on disk, nor in the library.
    failed
        Read in vain; they are among the new, changed and moved.
    kept
        Known, not found, and kept because their place could not be looked at.
    offline
        Folders that could not be looked at as a whole.
    skipped
        Files and folders in the other ones that could not be looked at.
    seconds
        How long it took.
    notes
        What else should be known, of damage for one, a line each.
    """

    found: int
    unchanged: int
    new: int
    changed: int
    moved: int
    removed: int
    failed: int
    kept: int
    offline: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line of what was done."""
        done = [
            f"{count:,} {what}"
            for what in ("new", "changed", "moved", "removed", "failed", "kept")
            if (count := getattr(self, what))
        ]
        photos = counted(self.found, "photo")
        return f"{photos}: {', '.join(done) or 'nothing new'}, in {self.seconds:.1f} s"

    @property
    def problems(self) -> list[str]:
        """What went wrong, one line each."""
        return [
            *(f"{folder.path} is offline: {folder.reason}" for folder in self.offline),
            *(f"{skip.path} is skipped: {skip.reason}" for skip in self.skipped),
            *self.notes,
        ]


@dataclass(frozen=True)
class Event:
    """Something that happened in the daemon, for those that show it live.

    ``kind`` says what ``data`` is:

    - ``activity``: a :class:`Progress` as an object, or None once there is nothing to do;
    - ``library``: ``{"photos", "preliminary", "failed", "revision"}``, after each commit;
    - ``folders``: the list of :class:`FolderStatus`, after a folder came, went or changed state;
    - ``state``: ``{"paused", "paused_until", "waiting"}``;
    - ``notice``: ``{"topic", "text"}``, what a person may want to be told: the first indexing of
      a folder is finished (topic ``indexed``), a drive went away (``offline``) or came back
      (``online``), something needs them (``problem``);
    - ``stopping``: None, the last one.
    """

    kind: str
    data: Any
