"""Whether an index fits is decided from counts alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photofind.indexing.index_maintenance.fit import (
    GRAPH_PAYS,
    INDEX_PAYS,
    QUICK_BUILD,
    Need,
    fits,
    need_of,
    wants_graph,
)
from photofind.library.store import IndexInfo
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection

BACKGROUND = Background(0.0, 0.1)


def index(photos: int, *, gone: int = 0, recall: float | None = None) -> IndexInfo:
    zeros = np.zeros((1, 1), np.float32)
    return IndexInfo(
        Projection(zeros[0], zeros),
        BACKGROUND,
        BACKGROUND,
        photos=photos,
        fresh=0,
        gone=gone,
        graph=recall is not None,
        ready=False,
        recall=recall,
        built=0.0,
    )


@pytest.mark.parametrize(
    ("photos", "gone", "contents", "is_fitting"),
    [
        (1000, 0, 1000, True),
        (1000, 0, 1111, True),  # A tenth is new.
        (1000, 0, 1112, False),
        (1000, 90, 910, True),  # Less than a tenth is gone.
        (1000, 100, 900, False),
        (1000, 50, 1000, True),  # Both count: 50 gone, and 50 came instead.
        (1000, 60, 1000, False),
        (100, 0, 132, True),  # A few may always come or go.
        (100, 0, 133, False),
        (40, 20, 20, False),
    ],
)
def test_an_index_fits_until_a_tenth_came_or_went(photos, gone, contents, is_fitting):
    assert fits(index(photos, gone=gone), contents) == is_fitting


@pytest.mark.parametrize(
    ("photos", "gone", "contents", "is_fitting"),
    [
        (40_000, 0, 60_000, True),  # Half as many came.
        (40_000, 0, 60_001, False),
        (60_000, 20_000, 40_000, True),  # A third is gone.
        (60_000, 20_001, 39_999, False),
        (60_000, 20_000, 70_000, True),  # Each counts by itself.
        (60_000, 20_000, 70_001, False),
        (20_001, 0, QUICK_BUILD, False),  # This one is built within seconds,
        (20_001, 0, QUICK_BUILD + 1, True),  # that one is not.
    ],
)
def test_an_index_that_takes_long_to_build_fits_much_longer(photos, gone, contents, is_fitting):
    assert fits(index(photos, gone=gone), contents) == is_fitting


@pytest.mark.parametrize(
    ("known", "contents", "need"),
    [
        (None, INDEX_PAYS - 1, Need.REMOVE),
        (index(40, gone=20), INDEX_PAYS - 1, Need.REMOVE),
        (None, INDEX_PAYS, Need.BUILD),
        (index(40), 41, Need.EXTEND),
        (index(40), 400, Need.BUILD),
        (None, QUICK_BUILD, Need.BUILD),
        (None, QUICK_BUILD + 1, Need.BUILD_LATER),
        (index(QUICK_BUILD), QUICK_BUILD + 1, Need.EXTEND),
    ],
)
def test_what_an_index_needs(known, contents, need):
    assert need_of(known, contents) is need


def test_a_graph_is_wanted_where_it_pays_and_is_missing_or_outdated():
    many = 10 * GRAPH_PAYS
    assert not wants_graph(None, GRAPH_PAYS - 1)
    assert wants_graph(None, GRAPH_PAYS)
    assert wants_graph(index(many), many)
    with_graph = index(many, recall=0.99)
    assert not wants_graph(with_graph, many)
    assert wants_graph(with_graph, 2 * many)
    # One that was built and found too little is not built again at once.
    assert not wants_graph(replace(with_graph, recall=0.5, graph=False), many)


def test_an_index_of_an_older_photofind_is_built_again():
    older = replace(index(1000, recall=0.99), outdated=True)
    assert need_of(older, 1000) is Need.BUILD
    assert wants_graph(older, 1000)
