"""The daemon's state as the tray shows it, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from photofind.desktop.icon import IconState
from photofind.model import Event, FolderStatus, Progress, Status, revive
from photofind.model.counted import counted

__all__ = ["NOT_RUNNING", "DaemonState"]

_STEP = 10
"""Percentage points of progress after which the status line changes."""


@dataclass(frozen=True)
class DaemonState:
    """The state of the daemon, from its status and events.

    Parameters
    ----------
    running
        Whether it is running.
    photos, preliminary, failed
        How many photos are searchable, how many of them by their thumbnails so far, and how many
        failed.
    activity
        What it is doing; None while it is idle.
    paused, paused_until, waiting
        Whether it is paused and until when, and why work is waiting.
    folders
        The folders of the library.
    problems
        Problems that need the user's attention.
    """

    running: bool
    photos: int = 0
    preliminary: int = 0
    failed: int = 0
    activity: Progress | None = None
    paused: bool = False
    paused_until: float | None = None
    waiting: str | None = None
    folders: tuple[FolderStatus, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def from_status(cls, status: Status) -> DaemonState:
        """Return the state in a status."""
        daemon = status.daemon
        return cls(
            running=True,
            photos=status.photos,
            preliminary=status.preliminary,
            failed=status.failed,
            activity=daemon.activity if daemon else None,
            paused=bool(daemon and daemon.paused),
            paused_until=daemon.paused_until if daemon else None,
            waiting=daemon.waiting if daemon else None,
            folders=status.folders,
            problems=status.problems,
        )

    def after(self, event: Event) -> DaemonState:
        """Return the state after an event, with its data decoded from JSON."""
        data = event.data
        match event.kind:
            case "activity":
                return replace(self, activity=revive(Progress, data) if data else None)
            case "library":
                counts = {name: data[name] for name in ("photos", "preliminary", "failed")}
                return replace(self, **counts)
            case "folders":
                return replace(self, folders=tuple(revive(FolderStatus, each) for each in data))
            case "state":
                state = {name: data[name] for name in ("paused", "paused_until", "waiting")}
                return replace(self, **state)
            case "stopping":
                return NOT_RUNNING
        return self

    @property
    def icon(self) -> IconState:
        """The state of the icon."""
        if not self.running:
            return IconState.STOPPED
        if self.problems:
            return IconState.PROBLEM
        if self.paused:
            return IconState.PAUSED
        return IconState.WORKING if self.activity else IconState.IDLE

    @property
    def line(self) -> str:
        """The first line of the menu; it does not change with each photo."""
        match self.icon:
            case IconState.STOPPED:
                return "Not running"
            case IconState.PROBLEM:
                return _shortened(self.problems[0])
            case IconState.PAUSED if self.paused_until is not None:
                return f"Paused until {datetime.fromtimestamp(self.paused_until):%H:%M}"
            case IconState.PAUSED:
                return "Paused"
            case IconState.WORKING if self.activity:
                return _working(self.activity)
        if self.waiting:
            return _shortened(f"Waiting: {self.waiting}")
        if not self.folders:
            return "No folders yet"
        return f"{counted(self.photos, 'photo')}, up to date"

    @property
    def tooltip(self) -> str:
        """The tooltip of the icon."""
        lines = [f"photofind: {self.line[0].lower()}{self.line[1:]}"]
        if activity := self.activity:
            if activity.total:
                lines.append(f"{activity.done:,} of {activity.total:,} photos")
            if activity.seconds_left:
                lines.append(f"{timedelta(seconds=ceil(activity.seconds_left))} left")
        if self.running and self.icon is not IconState.IDLE:
            lines.append(f"{counted(self.photos, 'photo')} searchable")
        if self.failed:
            lines.append(f"{self.failed:,} failed")
        offline = sum(folder.state == "offline" for folder in self.folders)
        if offline:
            lines.append(counted(offline, "folder") + " offline")
        return "\n".join(lines)


NOT_RUNNING = DaemonState(running=False)
"""The state without a daemon."""


def _working(activity: Progress) -> str:
    phase = activity.phase[:1].upper() + activity.phase[1:]
    if not activity.total:
        return phase
    percent = 100 * activity.done // activity.total // _STEP * _STEP
    return f"{phase}: {percent} %"


def _shortened(text: str, most: int = 70) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
