"""``photofind status``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import print_json, print_live, print_table, progress_in_words
from photofind.model.counted import counted

if TYPE_CHECKING:
    from photofind.model import Status
    from photofind.model.status import FolderStatus

__all__ = ["status"]

Row = tuple[str, str]


@click.command(
    short_help="Show the state of the library and the daemon.",
    epilog="""\b
Examples:
  photofind status
  photofind status --watch
  photofind status --json | jq .photos""",
)
@click.option("--watch", is_flag=True, help="Update the output live, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True,
              help="Print a JSON object; with --watch, one per line.")  # fmt: skip
def status(watch: bool, as_json: bool) -> None:
    """Show the state of the library, what the daemon is doing, and how searches are answered."""
    with connected() as photofind:
        if not watch:
            state = photofind.status()
            if as_json:
                print_json(state)
            else:
                print_table(("", ""), _rows(state))
            return
        states = (photofind.status() for _ in _now_and_at_events(photofind.events()))
        if as_json:
            for state in states:
                print_json(state, indent=None)
        else:
            print_live(_rows(state) for state in states)


def _now_and_at_events(events: Iterator[object]) -> Iterator[object]:
    yield None
    yield from events


def _rows(state: Status) -> list[Row]:
    photos = f"{state.photos:,} indexed, {state.pending:,} pending, {state.failed:,} failed"
    if state.preliminary:
        photos += f"; {state.preliminary:,} of them from their thumbnails so far"
    return [
        ("photos", photos),
        *([("", _noted(state.noted))] if state.noted else []),
        *(("folder", _folder_in_words(folder)) for folder in state.folders),
        *_daemon_rows(state),
        ("extractor", state.extractor),
        *(("", f"{one.line}; {' and '.join(state.answered_by)} answers") for one in state.coming),
        ("answers", state.search.explanation),
        ("library", f"{state.home}, {state.bytes / 1e6:,.1f} MB"),
        *(("problem", problem) for problem in state.problems),
    ]


def _noted(count: int) -> str:
    files = counted(count, "file is", "files are")
    return f"{files} damaged in part, and read as far as possible; `photofind failures` says which"


def _daemon_rows(state: Status) -> Iterator[Row]:
    daemon = state.daemon
    if daemon is None:
        yield "daemon", "does not answer" if state.daemon_is_silent else "not running"
        return
    since = f"since {datetime.fromtimestamp(daemon.started):%Y-%m-%d %H:%M}"
    yield "daemon", f"process {daemon.pid}, version {daemon.version}, {since}"
    if daemon.paused:
        until = daemon.paused_until
        left = "" if until is None else f" until {datetime.fromtimestamp(until):%H:%M:%S}"
        yield "now", f"paused{left}; `photofind resume` resumes it"
    elif daemon.activity is not None:
        yield "now", progress_in_words(daemon.activity)
    elif daemon.waiting:
        yield "now", f"waiting: {daemon.waiting}"
    else:
        yield "now", "idle"
    memory = ", ".join(f"{p.name} {p.memory / 1e6:,.0f} MB" for p in daemon.processes)
    yield "memory", memory


def _folder_in_words(folder: FolderStatus) -> str:
    state = folder.state
    if folder.reason:
        state = f"{state} ({folder.reason})"
    elif folder.watched:
        state = f"{state}, {_WATCHED[folder.watched]}"
    return f"{folder.path}: {counted(folder.photos, 'photo')}, {state}"


_WATCHED = {"events": "watched", "polled": "scanned regularly"}
