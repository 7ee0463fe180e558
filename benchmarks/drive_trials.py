"""A daemon under fire, with a drive that hangs and comes back; exits with 1 after any failure.

    sudo python benchmarks/drive_trials.py --minutes 30

Eight clients ask all the time while photos come, move and go in storms, the drive of one folder
hangs in every way that there is, and processes are killed and stopped, the daemon itself too. Every
answer other than 200 must be explained, no answer for the healthy folders may take more than a
second while their processes run, and in the end the library is equal to the disk. It mounts a file
system in user space, so it needs Linux and root.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import print_figures
from daemon_trials import Album, expected

from photofind.daemon.client import connect
from photofind.daemon.lifecycle import is_running, start, stop
from photofind.daemon.runtime import Runtime, read_runtime
from photofind.errors import PhotofindError
from photofind.library.stores import open_store
from photofind.paths import Home

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hanging_drive import HangingDrive

CLIENTS = 8
SECONDS = 1.0
PATIENCE = 240.0
WAYS = (("read", ""), ("read", "7.jpg"), ("lookup", ""), ("readdir", ""), ("any", ""))
# What an answer other than 200 may say, and why it is right.
EXPLAINED = {
    404: "the photo moved or went before it was asked for",
    409: "the file was replaced before it was asked for",
    422: "the file went before it was read",
    503: "the drive does not answer, or the daemon was ending",
}


class Disturbed:
    """When something was done to the daemon's processes that makes answers late."""

    def __init__(self) -> None:
        self._until = 0.0

    def for_seconds(self, seconds: float) -> None:
        self._until = max(self._until, time.monotonic() + seconds)

    def since(self, moment: float) -> bool:
        return self._until > moment


class Asking(threading.Thread):
    """One client."""

    def __init__(self, home: Home, healthy: Path, drive: Path, seed: int, off: Disturbed) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.answers: Counter[str] = Counter()
        self.unexplained: list[str] = []
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._home, self._healthy, self._drive, self._off = home, healthy, drive, off
        self._random = random.Random(seed)

    def run(self) -> None:
        while not self.done.wait(self._random.uniform(0.0, 0.2)):
            runtime = read_runtime(self._home)
            if runtime is not None:
                self._ask(runtime)

    def _ask(self, runtime: Runtime) -> None:
        kind = self._random.choice(("similar", "status", "photos", "thumbnail", "drive"))
        folder = self._drive if kind == "drive" else self._healthy
        began = time.monotonic()
        try:
            photos = self._send(runtime, "GET", f"/api/photos?limit=50&folder={folder}")[1]
            photo = self._random.choice(photos) if photos else {"path": "", "id": 0}
            body = {"like": [photo["path"]], "limit": 10}
            began = time.monotonic()
            status, told = {
                "similar": lambda: self._send(runtime, "POST", "/api/similar", body),
                "status": lambda: self._send(runtime, "GET", "/api/status"),
                "photos": lambda: self._send(runtime, "GET", "/api/photos?limit=50"),
                "thumbnail": lambda: self._send(
                    runtime, "GET", f"/api/photos/{photo['id']}/thumbnail"
                ),
                "drive": lambda: self._send(runtime, "GET", f"/api/photos/{photo['id']}/file"),
            }[kind]()
        except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError) as error:
            if self._off.since(began):
                self.answers[f"{kind} while the daemon was killed"] += 1
            else:
                self.unexplained.append(f"{kind}: {error!r}")
            return
        took = time.monotonic() - began
        self.answers[f"{kind} {status}"] += 1
        if status != 200 and status not in EXPLAINED:
            self.unexplained.append(f"{kind}: {status} {told}")
        if kind != "drive" and not self._off.since(began):
            self.seconds[kind].append(took)

    def _send(
        self, runtime: Runtime, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", runtime.port, timeout=60)
        try:
            headers = {
                "Authorization": f"Bearer {runtime.token}",
                "Content-Type": "application/json",
            }
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        is_json = answer.getheader("content-type", "").startswith("application/json")
        return answer.status, json.loads(data) if is_json else len(data)


class Trouble:
    """What is done to the drive and to the processes."""

    def __init__(self, home: Home, drive: HangingDrive, seed: int, disturbed: Disturbed) -> None:
        self.done: Counter[str] = Counter()
        self._home, self._drive, self._disturbed = home, drive, disturbed
        self._random = random.Random(seed)

    def make(self) -> None:
        match self._random.random():
            case dice if dice < 0.35:
                self._drive.hang(*self._random.choice(WAYS))
                self.done["hangs"] += 1
            case dice if dice < 0.65:
                self._drive.wake()
                self.done["comes back"] += 1
            case dice if dice < 0.8:
                self._signal(signal.SIGKILL, "worker killed")
            case dice if dice < 0.95:
                self._signal(signal.SIGSTOP, "worker stopped")
            case _:
                self._kill_the_daemon()
        if not is_running(self._home):
            with suppress(PhotofindError):
                start(self._home)

    def _signal(self, number: int, what: str) -> None:
        runtime = read_runtime(self._home)
        if runtime is None:
            return
        with suppress(psutil.Error):
            children = psutil.Process(runtime.pid).children()
            if children:
                child = self._random.choice(children)
                self._disturbed.for_seconds(15.0)  # A stopped worker, or its successor's start.
                child.send_signal(number)
                self.done[what] += 1
                if number == signal.SIGSTOP:
                    time.sleep(self._random.uniform(1.0, 6.0))
                    child.send_signal(signal.SIGCONT)

    def _kill_the_daemon(self) -> None:
        runtime = read_runtime(self._home)
        if runtime is not None:
            self._disturbed.for_seconds(30.0)
            with suppress(ProcessLookupError):
                os.kill(runtime.pid, signal.SIGKILL)
            self.done["daemon killed"] += 1
            time.sleep(0.5)


def trial(root: Path, minutes: float, seed: int) -> int:
    home = Home(root / "home")
    album, shown = Album(root / "healthy", seed), Album(root / "source", seed + 1)
    for _ in range(150):
        album.add()
        shown.add()
    drive = HangingDrive(shown.folder, root / "drive")
    disturbed = Disturbed()
    clients = [
        Asking(home, album.folder, drive.place, seed + number, disturbed)
        for number in range(CLIENTS)
    ]
    try:
        start(home)
        with connect(home) as client:
            for folder in (album.folder, drive.place):
                client.add_folder(str(folder))
            client.set_setting("poll_seconds", "10")
            client.index(wait=True)
        for one in clients:
            one.start()
        trouble, dice = Trouble(home, drive, seed, disturbed), random.Random(seed)
        began = time.monotonic()
        while time.monotonic() - began < 60 * minutes:
            for _ in range(dice.choice((1, 5, 40))):
                dice.choice((album, shown)).stir()
            trouble.make()
            time.sleep(dice.uniform(0.5, 4.0))
        for one in clients:
            one.done.set()
        drive.wake()
        if not is_running(home):
            start(home)
        wanted = expected(album.folder, home) | expected(drive.place, home)
        settled = _wait_until_equal(home, wanted)
        stop_began = time.monotonic()
        stop(home)
        stopped = time.monotonic() - stop_began
    finally:
        drive.close()
        stop(home)
    held, problems = _held(home)
    answers: Counter[str] = Counter()
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    unexplained: list[str] = []
    for one in clients:
        answers += one.answers
        unexplained += one.unexplained
        for kind, some in one.seconds.items():
            seconds[kind] += some
    late = {kind: sum(s > SECONDS for s in some) for kind, some in seconds.items()}
    lost, stale = wanted - held, held - wanted
    for line in [*unexplained[:10], *map(str, [*lost, *stale][:10]), *problems]:
        print(line)
    if unexplained:
        print((home.logs / "daemon.log").read_text("utf-8")[-20_000:])
    figures = {
        "done": dict(trouble.done), "answers": dict(sorted(answers.items())),
        "unexplained": len(unexplained), "photos": len(held), "lost": len(lost),
        "stale": len(stale), "seconds until equal": settled, "seconds to stop": round(stopped, 1),
        **{f"{kind}, seconds at 50, 99, 100 %": " ".join(
            f"{at:.3f}" for at in np.percentile(some, (50, 99, 100))) for kind, some in
            seconds.items()},
        "later than a second": late,
    }  # fmt: skip
    print_figures("drive trials", figures)
    return int(any((unexplained, lost, stale, problems, sum(late.values()))))


def _held(home: Home) -> tuple[set[str], Sequence[str]]:
    """Return the paths of the photos in the library, and its problems."""
    with open_store(home) as store:
        return {photo.path for photo in store.select() if photo.failure is None}, store.problems


def _wait_until_equal(home: Home, wanted: set[str]) -> int | None:
    """Wait until the library has the photos that there are; return the seconds, None if never."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with suppress(PhotofindError, OSError), connect(home) as client:
            if not client.status().pending and _held(home)[0] == wanted:
                return round(time.monotonic() - began)
        time.sleep(1.0)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ.pop("PHOTOFIND_NO_DAEMON", None)
    with tempfile.TemporaryDirectory() as temporary:
        return trial(Path(temporary), arguments.minutes, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
