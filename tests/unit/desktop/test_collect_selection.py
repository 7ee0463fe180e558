"""Files passed to one process each are combined into one query."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from waiting import patience, wait_until

from photofind.desktop.collect_selection import collect_selection
from photofind.paths import Home

SCRIPT = (
    "import json, sys\n"
    "from photofind.desktop.collect_selection import collect_selection\n"
    "from photofind.paths import Home\n"
    "print(json.dumps(collect_selection(Home.default(), [json.loads(sys.argv[1])], quiet=1)))\n"
)


def test_one_process_gets_all_files(home: Home) -> None:
    paths = [f"/photos/a b\n{number}\udcff.jpg" for number in range(12)]
    started = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, json.dumps(path)], stdout=subprocess.PIPE)
        for path in paths
    ]
    outputs = [process.communicate(timeout=patience(60))[0] for process in started]
    assert all(process.returncode == 0 for process in started)
    gathered = [json.loads(output) for output in outputs]
    # A slow machine may make two queries, but no file is lost or doubled.
    assert sorted(path for some in gathered for path in some) == sorted(paths)
    assert sum(map(bool, gathered)) < 6


def test_simultaneous_threads_make_one_query(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[list[str]] = []

    def sleep(seconds: float) -> None:
        """Do not let a slow machine take the others for later ones."""
        wait_until(lambda: len(results) >= 4, "the other threads")
        time.sleep(seconds)

    clock = SimpleNamespace(time=time.time, sleep=sleep)
    monkeypatch.setattr("photofind.desktop.collect_selection.time", clock)
    threads = [
        threading.Thread(
            target=lambda n=n: results.append(collect_selection(home, [f"/{n}.jpg"], quiet=0.5))
        )
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (query,) = filter(None, results)
    assert sorted(query) == [f"/{n}.jpg" for n in range(5)]
    assert collect_selection(home, ["/next.jpg"], quiet=0.05) == ["/next.jpg"]


def test_files_of_a_process_that_is_slow_are_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[list[str]] = []

    def sleep(seconds: float) -> None:
        if not others:
            os.utime(home.cache / "gathering", (0, 0))
            others.append(collect_selection(home, ["/late.jpg"], quiet=seconds))

    clock = SimpleNamespace(time=lambda: time.time() + 1, sleep=sleep)
    monkeypatch.setattr("photofind.desktop.collect_selection.time", clock)
    assert collect_selection(home, ["/early.jpg"], quiet=0.05) == ["/early.jpg", "/late.jpg"]
    assert others == [[]]


def test_files_of_a_killed_process_are_dropped(home: Home) -> None:
    home.cache.mkdir(parents=True)
    (home.cache / "gathering").write_text('"/left.jpg"\n')
    os.utime(home.cache / "gathering", (0, 0))
    assert collect_selection(home, ["/new.jpg"], quiet=0.05) == ["/new.jpg"]
