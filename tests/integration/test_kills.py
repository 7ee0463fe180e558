"""photofind is killed six times by the script that kills it a hundred times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

TRIALS = Path(__file__).parents[2] / "benchmarks" / "trials.py"


def test_killed_at_random_moments_it_loses_nothing_and_leaves_nothing(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    dice = np.random.default_rng(0)
    for number in range(60):
        blocks = Image.fromarray(dice.integers(0, 256, (6, 8, 3), np.uint8))
        blocks.resize((1200, 900), Image.Resampling.BICUBIC).save(photos / f"{number}.jpg")
    trials = subprocess.run(
        [sys.executable, TRIALS, "kills", photos, "--times", "6"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert trials.returncode == 0, trials.stdout + trials.stderr
    assert '"kills": 6' in trials.stdout
