import numpy as np
import pytest

from photofind.ranking.calibration import (
    TYPICAL,
    Background,
    blend,
    combine,
    measure_background,
    measure_ranked,
    typical,
    weight_of,
)


def test_scores_run_from_the_background_to_the_same_picture() -> None:
    background = Background(median=0.3, deviation=0.05)
    scores = background.scores(np.array([-1, 0.3, 0.5, 0.75, 1.0], np.float32))
    assert scores == pytest.approx([0, 0, 0.5, 0.75, 1.0], abs=1e-6)


def test_related_pairs_do_not_move_the_background() -> None:
    generator = np.random.default_rng(0)
    unrelated = generator.normal(0.2, 0.05, 9000).astype(np.float32)
    related = generator.normal(0.8, 0.05, 1000).astype(np.float32)
    mixed = measure_background(np.concatenate([unrelated, related]))
    alone = measure_background(unrelated)
    assert mixed.median == pytest.approx(alone.median, abs=0.01)
    assert mixed.deviation == pytest.approx(0.05, rel=0.15)


def test_one_threshold_lets_as_few_strangers_in_whatever_the_extractor() -> None:
    generator = np.random.default_rng(1)
    for centre, spread in ((0.1, 0.02), (0.3, 0.08), (0.6, 0.05)):
        unrelated = generator.normal(centre, spread, 100_000).astype(np.float32)
        scores = measure_background(unrelated).scores(unrelated)
        assert (scores >= 0.5).mean() < 1e-3
        assert 0.05 < (scores >= 0.2).mean() < 0.07


def test_photos_that_are_all_the_same_have_a_background() -> None:
    assert measure_background(np.ones(10, np.float32)).scores(np.ones(1, np.float32)) == [1.0]


def test_blend_puts_a_copy_before_a_relative() -> None:
    copy, relative, stranger = blend(
        np.array([0.9, 0.97, -0.2], np.float32), np.array([0.95, 0.6, -0.9], np.float32)
    )
    assert copy > relative > stranger


def test_a_long_tail_of_what_is_ranked_by_reaches_half_no_more_often() -> None:
    generator = np.random.default_rng(2)
    plain = generator.normal(0.3, 0.07, 300_000).astype(np.float32)
    ranked = (0.1 * generator.standard_exponential(300_000)).astype(np.float32)
    background = measure_ranked(ranked, plain, measure_background(plain))
    assert np.mean(measure_background(ranked).scores(ranked) >= 0.5) > 1e-3
    assert np.mean(background.scores(ranked) >= 0.5) < 1.1e-3  # One of 1,000 by its definition.


def test_what_a_library_shows_counts_more_and_more() -> None:
    weights = [weight_of(pictures) for pictures in range(2000)]
    assert weights[:32] == [0] * 32
    assert 0 < max(np.diff(weights)) < 0.02
    assert 0.65 < weights[1000] < weights[1999] < 0.75


def test_what_a_library_shows_moves_a_score_so_far_and_no_further() -> None:
    typical = np.array([0.9, 0.5, 0.4])
    assert combine(np.array([0.9, 0.5, 0.4]), typical, 0.7) == pytest.approx(typical)
    lower, higher, far = combine(np.array([0.7, 0.7, -3.0]), typical, 0.5)
    assert lower == pytest.approx(0.8)
    assert higher == pytest.approx(0.6)
    assert far == pytest.approx(0.15)


def test_an_extractor_that_was_not_measured_is_not_taken_for_mobilenet() -> None:
    own = Background(0.97, 0.02)
    assert typical("mobilenet", own, 1000) == TYPICAL
    assert typical("texture", None, 1).median > 0.8
    few, many = typical("texture", own, 4), typical("texture", own, 1000)
    assert few.median < many.median
    assert many.median == pytest.approx(own.median, abs=0.01)


def test_standings_keep_the_order_that_scores_cut_off() -> None:
    standings = Background(0.3, 0.05).standings(np.array([0.1, 0.2, 0.3], np.float32))
    assert standings[0] < standings[1] < standings[2] == pytest.approx(0, abs=1e-6)
