"""The tray's state from a status and events."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from photofind.desktop.icon import IconState
from photofind.model import (
    DaemonStatus,
    Event,
    FolderStatus,
    Progress,
    SearchStatus,
    Status,
    as_plain,
)
from photofind.tray.daemon_state import NOT_RUNNING, DaemonState

FOLDER = FolderStatus("/photos", 1200, "online", None, 0.0, (), "events")
IDLE = DaemonState(running=True, photos=1200, folders=(FOLDER,))
WORK = Progress("reading photos", 1234, 5000, 3, 40.0, 94.0)


def event(kind: str, data: Any) -> Event:
    """Return an event as it comes from the daemon, through JSON."""
    return Event(kind, json.loads(json.dumps(data, default=as_plain)))


def test_from_status() -> None:
    daemon = DaemonStatus(1, "1.0", 0.0, WORK, True, 5.0, "on battery", ())
    search = SearchStatus("exact", 10, 0, None, "")
    status = Status(
        10, 2, 5, (FOLDER,), "mobilenet", search, "/home", 9, ("the disk is full",), 3, daemon
    )
    assert DaemonState.from_status(status) == DaemonState(
        True, 10, 3, 2, WORK, True, 5.0, "on battery", (FOLDER,), ("the disk is full",)
    )
    assert DaemonState.from_status(replace(status, daemon=None)).activity is None


def test_events_change_the_state() -> None:
    offline = replace(FOLDER, state="offline", reason="not mounted")
    counts = {"photos": 7, "preliminary": 2, "failed": 1, "revision": 3}
    state = {"paused": True, "paused_until": 9.0, "waiting": None}
    after = IDLE.after(event("activity", WORK))
    assert after.activity == WORK
    assert after.after(event("activity", None)) == IDLE
    after = IDLE.after(event("library", counts))
    assert (after.photos, after.preliminary, after.failed) == (7, 2, 1)
    assert IDLE.after(event("folders", [offline])).folders == (offline,)
    after = IDLE.after(event("state", state))
    assert (after.paused, after.paused_until) == (True, 9.0)
    assert after.after(event("stopping", None)) == NOT_RUNNING
    for other in (event("notice", {"topic": "indexed", "text": ""}), event("news", [1])):
        assert IDLE.after(other) == IDLE


@pytest.mark.parametrize(
    ("state", "icon", "line"),
    [
        (NOT_RUNNING, IconState.STOPPED, "Not running"),
        (IDLE, IconState.IDLE, "1,200 photos, up to date"),
        (replace(IDLE, photos=1), IconState.IDLE, "1 photo, up to date"),
        (DaemonState(running=True), IconState.IDLE, "No folders yet"),
        (replace(IDLE, waiting="on battery"), IconState.IDLE, "Waiting: on battery"),
        (replace(IDLE, activity=WORK), IconState.WORKING, "Reading photos: 20 %"),
        (
            replace(IDLE, activity=Progress("looking for photos", 7)),
            IconState.WORKING,
            "Looking for photos",
        ),
        (replace(IDLE, activity=WORK, paused=True), IconState.PAUSED, "Paused"),
        (
            replace(IDLE, paused=True, paused_until=datetime(2024, 5, 1, 14, 30).timestamp()),
            IconState.PAUSED,
            "Paused until 14:30",
        ),
        (
            replace(IDLE, activity=WORK, paused=True, problems=("the disk is full",)),
            IconState.PROBLEM,
            "the disk is full",
        ),
    ],
)
def test_the_icon_and_the_status_line(state: DaemonState, icon: IconState, line: str) -> None:
    assert state.icon is icon
    assert state.line == line


def test_the_line_stays_the_same_while_single_photos_are_read() -> None:
    lines = {replace(IDLE, activity=Progress("reading", n, 5000)).line for n in range(5000)}
    assert len(lines) == 10


def test_the_tooltip_has_the_counts() -> None:
    busy = replace(IDLE, activity=WORK, failed=3)
    assert busy.tooltip.splitlines() == [
        "photofind: reading photos: 20 %",
        "1,234 of 5,000 photos",
        "0:01:34 left",
        "1,200 photos searchable",
        "3 failed",
    ]
    offline = replace(IDLE, folders=(replace(FOLDER, state="offline"),) * 2)
    assert offline.tooltip.splitlines() == [
        "photofind: 1,200 photos, up to date", "2 folders offline"
    ]  # fmt: skip
    assert NOT_RUNNING.tooltip == "photofind: not running"


def test_a_long_problem_is_shortened() -> None:
    assert len(replace(IDLE, problems=("x" * 500,)).line) == 70
