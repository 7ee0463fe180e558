"""What an installation by pip costs: megabytes, seconds, and seconds of processor time.

    python benchmarks/installation.py dist/photofind-0.1.0-py3-none-any.whl
    python benchmarks/installation.py WHEEL "WHEEL[keras]" "WHEEL[keras,evaluate] scikit-image"

Each argument is installed into an environment of its own, all from pip's cache: the first time
through, what is downloaded counts too, so run it twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path


def measure(requirements: list[str]) -> tuple[int, int, float, float]:
    """Return packages, bytes on disk, seconds and seconds of processor time of an installation."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "Scripts" if os.name == "nt" else "bin", "python")
        before = _bytes(Path(folder))
        start, worked = time.monotonic(), _processor_seconds()
        install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*install, *requirements], check=True)
        seconds, worked = time.monotonic() - start, _processor_seconds() - worked
        listed = subprocess.run(
            [python, "-m", "pip", "list", "--format=freeze"], stdout=subprocess.PIPE, check=True
        )
        packages = len(listed.stdout.splitlines()) - 1
        return packages, _bytes(Path(folder)) - before, seconds, worked


def _processor_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _bytes(folder: Path) -> int:
    """Return what the files take on disk, as du counts."""
    return sum(
        (
            path.lstat().st_blocks * 512
            if hasattr(os.stat_result, "st_blocks")
            else path.stat().st_size
        )
        for path in folder.rglob("*")
    )


if __name__ == "__main__":
    print("packages      MB   seconds   of processor   what")
    for argument in sys.argv[1:]:
        packages, size, seconds, worked = measure(argument.split())
        print(
            f"{packages:8} {size / 1e6:7.0f} {seconds:9.0f} {worked:14.0f}   {argument}", flush=True
        )
