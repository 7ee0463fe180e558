"""The cost of watching many folders, and the delay until a change is reported.

Creates empty folders in a temporary folder, watches them, and measures the watching process.

    python benchmarks/watching.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from common import in_fresh_process, megabytes, milliseconds, print_figures

from photofind.indexing.excludes import Rules
from photofind.indexing.watching.events import Change
from photofind.indexing.watching.watcher import Watcher


class Listener:
    """Waits for reports, and records the time of the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self._changed = threading.Condition()

    def take(self, changes: Sequence[Change]) -> None:
        with self._changed:
            self.count += 1
            self.last = time.monotonic()
            self._changed.notify_all()

    def wait_for_more(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count > count, 60)


def measured(root: Path, idle_seconds: float) -> dict[str, object]:
    listener = Listener()
    watcher = Watcher(listener.take)
    watcher.start()
    before, began, worked = megabytes(), time.monotonic(), time.process_time()
    watcher.watch({str(root): Rules()})
    assert watcher.settle(600)
    figures: dict[str, object] = {
        "until they are watched, s": round(time.monotonic() - began, 2),
        "processor time of that, s": round(time.process_time() - worked, 2),
        "memory of that, MB": round(megabytes() - before, 1),
        "how": watcher.state(str(root)),
    }
    waits: list[float] = []
    for number in range(50):
        count = listener.count
        (root / f"{number}.jpg").touch()
        closed = time.monotonic()
        listener.wait_for_more(count)
        waits.append(listener.last - closed)
        time.sleep(0.15)
    figures["from a file's end to its report"] = milliseconds(waits)
    worked, count = time.process_time(), listener.count
    subprocess.run(["find", str(root), "-type", "f"], check=True, stdout=subprocess.DEVNULL)
    figures["processor time while another program walks over them, s"] = round(
        time.process_time() - worked, 4
    )
    worked = time.process_time()
    time.sleep(idle_seconds)
    figures[f"processor time of {idle_seconds:.0f} s without a change, s"] = round(
        time.process_time() - worked, 4
    )
    figures["reports of the last two"] = listener.count - count
    began = time.monotonic()
    watcher.stop()
    figures["until it has stopped, s"] = round(time.monotonic() - began, 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folders", type=int, default=20_000)
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(arguments.folders):
            os.makedirs(f"{temporary}/{number % 200}/{number}")  # noqa: PTH103 (20,000 of them)
        figures = in_fresh_process(measured, Path(temporary), arguments.idle)
        print_figures(f"Watching {arguments.folders:,} folders", figures)


if __name__ == "__main__":
    main()
