"""Spaces that are computed from other spaces: they follow, and no photo is read for them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from simulated import (
    SPACE,
    SimulatedDerived,
    SimulatedExtraction,
    add,
    photo_at,
    run,
    vector_of,
)

from photofind.library.memory import MemoryStore
from photofind.model.filters import Filter

PHOTOS = 5
DERIVED = "derived@1+1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PHOTOS):
        (folder / f"{number}.jpg").write_bytes(f"photo {number}".encode())
    return folder


@pytest.fixture
def library(folder: Path) -> MemoryStore:
    store = MemoryStore()
    add(store, folder)
    return store


def embeddings(store: MemoryStore, space: str) -> dict[str, np.ndarray]:
    """Return the embeddings of all photos of a space by the names of their files."""
    photos = {Path(one.path).name: one.content for one in store.select(Filter(embedded=space))}
    known, vectors = store.embeddings(space, [*photos.values()])
    assert known.all()
    return dict(zip(photos, vectors, strict=True))


def derived_from(data: bytes) -> np.ndarray:
    first = vector_of(data)[:2]
    return first / np.linalg.norm(first)


def test_photos_are_read_once_and_the_rest_is_computed(library, folder):
    base, derived = SimulatedExtraction(), SimulatedDerived()
    run(library, base, derived)
    assert len(base.read) == PHOTOS
    assert sum(derived.batches) == PHOTOS
    for name, vector in embeddings(library, DERIVED).items():
        expected = derived_from((folder / name).read_bytes())
        np.testing.assert_allclose(vector, expected, atol=1e-3)


def test_its_base_is_embedded_where_it_alone_is_in_use(library):
    base, derived = SimulatedExtraction(), SimulatedDerived()
    run(library, base, derived, extractor="derived")
    assert library.space_counts(SPACE).embedded == PHOTOS
    assert library.space_counts(DERIVED).embedded == PHOTOS


def test_one_that_is_enabled_later_reads_nothing(library):
    base, derived = SimulatedExtraction(), SimulatedDerived()
    run(library, base)
    base.read.clear()
    run(library, base, derived)
    assert base.read == []
    assert derived.batches == [PHOTOS]
    run(library, base, derived)
    assert derived.batches == [PHOTOS]


def test_it_follows_what_comes_changes_and_goes(library, folder):
    base, derived = SimulatedExtraction(), SimulatedDerived()
    run(library, base, derived)
    (folder / "new.jpg").write_bytes(b"new")
    (folder / "copy.jpg").write_bytes(b"photo 1")
    (folder / "2.jpg").write_bytes(b"another photo 2")
    (folder / "3.jpg").unlink()
    run(library, base, derived)
    found = embeddings(library, DERIVED)
    assert found.keys() == {"0.jpg", "1.jpg", "2.jpg", "4.jpg", "new.jpg", "copy.jpg"}
    np.testing.assert_allclose(found["2.jpg"], derived_from(b"another photo 2"), atol=1e-3)
    np.testing.assert_array_equal(found["copy.jpg"], found["1.jpg"])
    assert sum(derived.batches) == PHOTOS + 2


def test_another_version_begins_another_space(library):
    run(library, SimulatedExtraction(), SimulatedDerived())
    run(library, SimulatedExtraction(), SimulatedDerived(version="2+1"))
    assert library.space_counts(DERIVED).embedded == PHOTOS
    assert library.space_counts("derived@2+1").embedded == PHOTOS


def test_what_one_base_could_not_read_is_derived_once_it_can(library, folder):
    path = str(folder / "1.jpg")
    one, other = SimulatedExtraction(), SimulatedExtraction(name="other", unreadable={path})
    both = SimulatedDerived(derives_from=("simulated", "other"))
    run(library, one, other, both)
    assert library.space_counts(DERIVED).embedded == PHOTOS - 1
    other.unreadable.clear()
    run(library, one, other, both, retry_failed=True)
    assert DERIVED in photo_at(library, path).spaces


def test_one_that_fails_keeps_nobody_waiting(library):
    base, derived = SimulatedExtraction(), SimulatedDerived(works=False)
    report = run(library, base, derived)
    assert "the extractor 'derived' failed" in report.notes
    assert library.space_counts(SPACE).embedded == PHOTOS
    derived.works = True
    run(library, base, derived)
    assert library.space_counts(DERIVED).embedded == PHOTOS


def test_one_that_changes_in_use_is_loaded_again(library):
    derived = SimulatedDerived(changes=True)
    report = run(library, SimulatedExtraction(), derived)
    assert derived.loaded == 2
    assert library.space_counts(DERIVED).embedded == PHOTOS
    assert report.notes == ()


def test_it_waits_for_a_base_that_loads_longer_than_itself(library):
    class Slow(SimulatedExtraction):
        def info(self):
            assert ready.wait(60)
            return super().info()

    class Derived(SimulatedDerived):
        def info(self):
            ready.set()
            return super().info()

    ready = threading.Event()
    run(library, Slow(), Derived(), extractor="derived")
    assert library.space_counts(DERIVED).embedded == PHOTOS


def test_extractors_that_compare_together_have_a_space_of_their_own(library):
    run(
        library,
        SimulatedExtraction(),
        SimulatedExtraction(name="other"),
        extractor="simulated=3,other",
    )
    own, other = embeddings(library, SPACE), embeddings(library, "other@1")
    for name, fused in embeddings(library, "other,simulated=3@1+1").items():
        parts = [np.sqrt(1 / 4) * other[name], np.sqrt(3 / 4) * own[name]]
        np.testing.assert_allclose(fused, np.concatenate(parts), atol=1e-3)
