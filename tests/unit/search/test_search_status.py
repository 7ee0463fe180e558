"""How the status says what searches are answered by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photofind.library.memory import MemoryStore
from photofind.model import SearchStatus
from photofind.ranking.calibration import TYPICAL
from photofind.ranking.projection import fit_projection
from photofind.search.status import search_status

SPACE = "made-up@1"


def test_it_says_what_is_there(store: MemoryStore, fill, monkeypatch: pytest.MonkeyPatch) -> None:
    def explained() -> tuple[str, str]:
        status = search_status(store, SPACE)
        return status.path, status.explanation

    nothing = SearchStatus("none", 0, 0, None, "nothing is indexed yet")
    assert search_status(store, None) == nothing
    store.open_space("made-up", "1", 2)
    assert search_status(store, SPACE) == nothing
    vectors = np.random.default_rng(0).normal(size=(50, 2))
    fill(SPACE, {str(place): vector for place, vector in enumerate(vectors)})
    assert explained() == ("plain", "plain cosine over all embeddings, no index")
    contents, embeddings = store.sample(SPACE, 50)
    projection = fit_projection(embeddings)
    with store.new_index(SPACE, graph=False) as writer:
        writer.put(contents, projection.project(embeddings))
        writer.finish()
        info = writer.publish(projection, TYPICAL, TYPICAL)
    exact = "exact, by comparing with all 50 photos"
    assert search_status(store, SPACE) == SearchStatus("exact", 50, 0, None, exact)
    monkeypatch.setattr(store, "is_building", lambda: True)
    assert explained() == ("exact", exact + "; the graph is being built")
    monkeypatch.setattr(store, "is_building", lambda: False)

    index = replace(info, recall=0.5)
    monkeypatch.setattr(store, "index", lambda space: index)
    assert explained() == ("exact", exact + "; the graph, with recall 0.500, is not used")
    index = replace(info, recall=0.98, graph=True)
    assert explained() == ("exact", exact + "; processes that stay use the graph, recall 0.980")
    index = replace(index, ready=True)
    assert explained() == ("graph", "by the graph over 50 photos, recall 0.980")
