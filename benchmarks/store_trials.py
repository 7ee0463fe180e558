"""Kill the server of a store, and those that write to it, again and again: nothing may be lost.

    python benchmarks/store_trials.py --times 50

Three processes commit photos while a reader asks. In each round the server, or one of the writers,
is killed by SIGKILL at a random moment and started again. What a writer said is committed has to be
there, whole and once, with its own embeddings; all have to go on by themselves.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from common import print_figures

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "plugins/photofind-postgres/tests"
sys.path.insert(0, str(TESTS))

from committing import SPACE, TOGETHER, embedding, faults  # noqa: E402
from photofind_postgres import open_postgres  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

from photofind.errors import LibraryError  # noqa: E402
from photofind.paths import Home  # noqa: E402


class Writer:
    """A process that commits until it is killed, and what it said it has committed."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self.said: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, TESTS / "committing.py", address, name],
            stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().isdecimal():
                self.said.append(int(line))

    def kill(self) -> None:
        """Kill it, and read what it said last."""
        self._process.kill()
        self._process.wait()
        self._reading.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50, help="rounds, alternately of both kinds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    server = PostgresServer({"full_page_writes": "on"})
    ended: list[Writer] = []
    problems: list[str] = []
    queries = refused = 0
    waits: list[float] = []
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PGPASSFILE"] = str(server.password_file(Path(folder)))
            address = server.address()
            reader = open_postgres(
                Home.default(), address, writable=False, resident=True, idle_seconds=None
            )
            reader.close()
            writers = [Writer(address, f"w{number}") for number in range(3)]
            reader = open_postgres(
                Home.default(), address, writable=False, resident=True, idle_seconds=None
            )
            for round_ in range(options.times):
                before = [len(writer.said) for writer in writers]
                time.sleep(chance.uniform(0.2, 1.5))
                if round_ % 2:
                    server.kill()
                    server.start()
                else:
                    place = chance.randrange(len(writers))
                    writers[place].kill()
                    ended.append(writers[place])
                    writers[place] = Writer(address, f"w{len(ended) + 2}")
                    before[place] = 0
                began = time.monotonic()
                while any(
                    len(writer.said) <= said for writer, said in zip(writers, before, strict=True)
                ):
                    if time.monotonic() - began > 120:
                        problems.append(f"round {round_}: somebody does not go on")
                        break
                    try:
                        reader.refresh()
                        if reader.spaces():
                            found = reader.nearest(
                                SPACE, embedding("w0-0-0")[None] / 400, 3, over="embeddings"
                            )
                            queries += 1
                            every = [*ended, *writers]
                            is_there = any(one.said for one in every if one.name == "w0")
                            if is_there and found.contents[0, 0] != "w0-0-0":
                                problems.append(f"round {round_}: found {found.contents[0]}")
                    except LibraryError:
                        refused += 1
                    time.sleep(0.02)
                waits.append(time.monotonic() - began)
                reader.refresh()
                problems += [f"round {round_}: {fault}" for fault in faults(reader)]
            for writer in writers:
                writer.kill()
            reader.refresh()
            problems += faults(reader)
            for writer in [*ended, *writers]:
                paths = [f"/photos/{writer.name}/{number}/0.jpg" for number in writer.said]
                lost = len(paths) - len(reader.by_path(paths))
                if lost:
                    problems.append(f"{lost} commits of {writer.name} are lost")
            photos = reader.count()
            reader.close()
    finally:
        server.stop()
    for problem in problems:
        print(problem, file=sys.stderr)
    figures = {
        "rounds": options.times, "photos": photos, "commits": photos // TOGETHER,
        "queries": queries, "queries refused": refused, "problems": len(problems),
        "all go on after, s, at most": round(max(waits), 1),
    }  # fmt: skip
    print_figures("store trials", figures)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
