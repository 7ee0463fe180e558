"""Work that takes too much processor time ends its process; waiting and sleeping do not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from waiting import patience

from photofind.system.effort import OVERDUE

PROGRAM = """
import contextlib, hashlib, json, sys, threading, time
from photofind.system import effort
effort._LOOK = 0.05
notes = lambda value: print(json.dumps(value), flush=True)
efforts = effort.Efforts(every=0.1)

def work(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        hashlib.sha256(b"x" * 100_000).digest()

@contextlib.contextmanager
def turn(seconds):
    time.sleep(seconds)
    yield
"""


def run(lines: str) -> tuple[int, list[dict[str, object]]]:
    """Run lines after the program; return its exit code and the notes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + lines],
        stdout=subprocess.PIPE,
        text=True,
        timeout=patience(),
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_work_that_takes_too_long_ends_the_process():
    code, notes = run("with efforts.of(7, 0.3, notes):\n    work(300)\nnotes('not reached')")
    assert code == OVERDUE
    assert notes[-1] == {"overdue": 7, "seconds": 0.3}
    assert all(note == {"working": 7} for note in notes[:-1])


def test_work_in_time_is_told_while_it_lasts_and_not_after():
    code, notes = run("with efforts.of(7, 300, notes):\n    work(1)\nnotes('end')\ntime.sleep(1)")
    assert code == 0
    assert notes[-1] == "end"
    assert {"working": 7} in notes


def test_time_can_be_added():
    code, notes = run(
        "with efforts.of(7, 0.3, notes) as effort:\n    effort.seconds = 300\n    work(1)"
    )
    assert code == 0
    assert {"working": 7} in notes


@pytest.mark.skipif(sys.platform == "win32", reason="it has no clock for the time of a thread")
@pytest.mark.skipif(sys.platform == "darwin", reason="it has no clock for the time of a thread")
def test_only_the_own_thread_counts():
    code, _ = run(
        "threading.Thread(target=work, args=(1.5,)).start()\n"
        "with efforts.of(7, 0.5, notes):\n    time.sleep(1)"
    )
    assert code == 0


def test_a_hang_is_not_told():
    code, notes = run("with efforts.of(7, 0.2, notes):\n    time.sleep(2)")
    assert code == 0
    assert notes == []


def test_waiting_for_a_turn_is_told_and_does_not_count():
    code, notes = run(
        "with efforts.of(7, 0.05, notes) as effort, effort.in_turn(turn(1)):\n    pass"
    )
    assert code == 0
    assert {"working": 7} in notes
