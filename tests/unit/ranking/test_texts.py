"""Scores of pictures for a text are measured by texts."""

from __future__ import annotations

import numpy as np

from photofind.ranking.calibration import measure_background
from photofind.ranking.texts import VARIED_TEXTS, standings_of_texts


def test_a_score_tells_how_far_a_picture_stands_out() -> None:
    # As with CLIP: unrelated pairs at 0.16, what fits hardly above 0.3, and a few related pairs.
    random = np.random.default_rng(1)
    unrelated = random.normal(0.16, 0.025, 100_000).astype(np.float32)
    related = random.normal(0.31, 0.02, 3_000).astype(np.float32)
    background = measure_background(np.concatenate([unrelated, related]))
    assert (standings_of_texts(unrelated, background) >= 0.5).mean() < 1e-3
    assert (standings_of_texts(related, background) >= 0.5).mean() > 0.9
    low, high = standings_of_texts(np.array([0.05, 0.9], np.float32), background)
    assert low < 0
    assert high == 1


def test_the_varied_texts_are_different() -> None:
    assert len(set(VARIED_TEXTS)) == len(VARIED_TEXTS) >= 64
