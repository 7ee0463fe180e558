"""Kill the server of a store, and those that write to it, again and again: nothing may be lost.

    python benchmarks/store_trials.py --store postgres --times 100
    python benchmarks/store_trials.py --store milvus --times 100

Three processes commit photos while a reader asks. In each round the server, or one of the writers,
is killed by SIGKILL at a random moment and started again. What a writer said is committed has to be
there, whole and once, with its own embeddings; all have to go on by themselves.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from common import print_figures
from trial_servers import STORES, Server, Writer, opened

from photofind.errors import LibraryError
from photofind.library.store import Store

from committing import SPACE, TOGETHER, embedding, faults  # isort: skip

WRITERS = 3
MOST_SECONDS = 240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", choices=STORES, default="postgres")
    parser.add_argument("--times", type=int, default=100, help="rounds, alternately of both kinds")
    parser.add_argument("--minutes", type=float, default=600, help="fewer rounds after so long")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="photofind-trials-") as folder:
        server = Server(options.store, Path(folder) / "server")
        try:
            server.start()
            figures, problems = trial(
                server, Path(folder), options.times, options.minutes, options.seed
            )
        finally:
            server.kill()
    for problem in problems:
        print(problem, file=sys.stderr)
    print_figures("store trials", {"store": options.store, **figures, "problems": len(problems)})
    sys.exit(bool(problems))


def trial(
    server: Server, folder: Path, rounds: int, minutes: float, seed: int
) -> tuple[dict[str, object], list[str]]:
    """Return what happened in so many rounds, and what was wrong."""
    chance = random.Random(seed)

    def writer(number: int) -> Writer:
        # One that is started again is in the home of the one that was killed.
        place = number % WRITERS
        address = server.address("trials", f"m{place}")
        return Writer(address, f"w{number}", folder / f"home{place}")

    ended: list[Writer] = []
    problems: list[str] = []
    waits: dict[str, list[float]] = {"server": [], "writer": []}
    writers = [writer(0)]
    while not writers[0].said:  # It makes the library.
        time.sleep(0.1)
    writers += [writer(number) for number in range(1, WRITERS)]
    started = WRITERS
    with opened(server.address("trials", "reader"), folder / "reader") as reader:
        asker = Asker(reader)
        until = time.monotonic() + 60 * minutes
        try:
            for round_ in range(rounds):
                if time.monotonic() > until:
                    break
                time.sleep(chance.uniform(0.2, 1.5))
                killed = "server" if round_ % 2 else "writer"
                began = time.monotonic()
                if killed == "server":
                    server.kill()
                    before = [len(one.said) for one in writers]
                    server.start()
                else:
                    place = chance.randrange(WRITERS)
                    writers[place].kill()
                    ended.append(writers[place])
                    before = [len(one.said) for one in writers]
                    number = started + (place - started) % WRITERS
                    started = number + 1
                    writers[place], before[place] = writer(number), 0
                while any(len(one.said) <= said for one, said in zip(writers, before, strict=True)):
                    if time.monotonic() - began > MOST_SECONDS:
                        problems.append(f"round {round_}: somebody does not go on")
                        break
                    time.sleep(0.02)
                waits[killed].append(time.monotonic() - began)
                if round_ % 10 == 9:
                    reader.refresh()
                    problems += [f"round {round_}: {fault}" for fault in faults(reader)]
                took = waits[killed][-1]
                print(f"round {round_}: {killed}, on after {took:.1f} s", file=sys.stderr)
        finally:
            for one in writers:
                one.kill()
            problems += asker.stop()
    asked = asker.counts
    # Who opens it for writing takes back what was left.
    with opened(server.address("trials", "m0"), folder / "home0", writable=True) as store:
        problems += faults(store)
        problems += [f"{one.name}: {one.message}" for one in store.check() if one.state != "ok"]
        for one in [*ended, *writers]:
            paths = [f"/photos/{one.name}/{number}/0.jpg" for number in one.said]
            place = int(one.name[1:]) % WRITERS
            if place:
                paths = [f"/@m{place}{path}" for path in paths]
            if lost := len(paths) - len(store.by_path(paths)):
                problems.append(f"{lost} commits of {one.name} are lost")
        photos = store.count()
    return {
        "kills of the server": len(waits["server"]),
        "kills of a writer": len(waits["writer"]),
        "photos": photos,
        "commits": photos // TOGETHER,
        "queries answered": asked["answered"],
        "queries refused": asked["refused"],
        **{
            f"all go on after a {name}, s: median, at most": [
                round(statistics.median(seconds), 1),
                round(max(seconds), 1),
            ]
            for name, seconds in waits.items()
            if seconds
        },
    }, problems


class Asker:
    """Asks for what was committed first, again and again, whatever happens meanwhile."""

    def __init__(self, reader: Store) -> None:
        self.counts = {"answered": 0, "refused": 0}
        self._reader = reader
        self._problems: list[str] = []
        self._stopped = threading.Event()
        self._asking = threading.Thread(target=self._ask)
        self._asking.start()

    def stop(self) -> list[str]:
        """Stop asking; return what was wrong with answers."""
        self._stopped.set()
        self._asking.join()
        return self._problems

    def _ask(self) -> None:
        query = embedding("w0-0-0")[None] / 400
        while not self._stopped.wait(0.05):
            try:
                self._reader.refresh()
                found = self._reader.nearest(SPACE, query, 3, over="embeddings")
            except LibraryError:
                self.counts["refused"] += 1
                continue
            self.counts["answered"] += 1
            if found.contents[0, 0] != "w0-0-0":
                self._problems.append(f"a query found {found.contents[0].tolist()}")


if __name__ == "__main__":
    main()
