"""The time of commands from a cold start, as ratios to importing click.

Runs the installed ``photofind`` in alternation with minimal programs that import click and numpy,
with a library of the demo photos.

    python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from common import print_figures, print_table

from photofind.app.demo import make_photos
from photofind.app.photofind import PhotoFind
from photofind.paths import Home

PHOTOFIND = Path(sysconfig.get_path("scripts"), "photofind")


def seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=30, help="runs of each command")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        photos, outside = make_photos(Path(temporary, "photos"))
        inside = min(photos.iterdir())
        with PhotoFind(Home(Path(temporary, "home"))) as photofind:
            photofind.add_folder(str(photos))
            photofind.index()
        environment = {**os.environ, "PHOTOFIND_HOME": str(Path(temporary, "home"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # Users have the bytecode.
        commands = {
            'python -c "import click"': [sys.executable, "-c", "import click"],
            'python -c "import numpy"': [sys.executable, "-c", "import numpy"],
            "photofind --help": [str(PHOTOFIND), "--help"],
            "photofind similar, photo in the library": [str(PHOTOFIND), "similar", str(inside)],
            "photofind similar, another photo": [str(PHOTOFIND), "similar", str(outside)],
        }
        runs: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(-1, arguments.turns):
            for name, command in commands.items():
                taken = seconds(command, environment)
                if turn >= 0:  # The first turn fills caches.
                    runs[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in runs.items()}
    click = next(iter(medians.values()))
    figures = {
        name: {"ms": round(1e3 * taken, 1), "ratio": round(taken / click, 2)}
        for name, taken in medians.items()
    }
    rows = [[name, figure["ms"], figure["ratio"]] for name, figure in figures.items()]
    print_table(["command", "ms", "times click's import"], rows)
    print_figures("startup", figures)


if __name__ == "__main__":
    main()
