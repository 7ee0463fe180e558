"""Search engines are measured on the same points; one that is missing says how to get it."""

import builtins

import numpy as np
import pytest

from photofind.learning import engines
from photofind.learning.engines import measure_engines
from photofind.ranking.projection import normalised

# PyNNDescent compiles for half a minute: the tests of photofind's graph ask it the same.
QUICK = {name: build for name, build in engines.ENGINES.items() if name != "PyNNDescent"}


@pytest.fixture
def points(monkeypatch):
    monkeypatch.setattr(engines, "ENGINES", QUICK)
    return normalised(np.random.default_rng(0).normal(size=(300, 24)))


def test_exact_engines_find_all_and_hashes_most(points):
    pytest.importorskip("faiss")
    own = np.arange(40)
    found = {one.engine: one for one in measure_engines(points, points[:40], own)}
    assert [*found] == ["exact", "k-d tree", "LSH"]
    assert found["exact"].recall == found["k-d tree"].recall == 1
    assert 0.3 < found["LSH"].recall < 1
    assert all(one.milliseconds > 0 and one.build_seconds >= 0 for one in found.values())


def test_missing_engine_says_how_to_get_it(points, monkeypatch):
    real = builtins.__import__

    def without_faiss(name, *arguments, **options):
        if name == "faiss":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_faiss)
    *_, hashes = measure_engines(points, points[:5])
    assert hashes.recall is None
    assert hashes.note == 'not installed; pip install "photofind[lsh]"'
