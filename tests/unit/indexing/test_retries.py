"""What fails for a reason that passes is tried again by itself, and leaves no trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from simulated import SPACE, SimulatedExtraction, add, photo_at, run

from photofind.indexing import retries
from photofind.indexing.retries import PAUSES, Retries, is_due, next_retry
from photofind.library.memory import MemoryStore
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, Retry


class Clock:
    """The time, which the test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retries, "time", clock)
    return clock


@pytest.fixture
def library(tmp_path: Path) -> MemoryStore:
    store = MemoryStore()
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "good.jpg").write_bytes(b"good")
    (folder / "a.jpg").write_bytes(b"a")
    add(store, folder)
    return store


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "photos" / "a.jpg")


def test_the_pauses_grow_and_end_growing(clock):
    retry = None
    pauses = []
    for _ in range(len(PAUSES) + 2):
        retry = next_retry(retry)
        pauses.append(retry.at - clock.now)
    assert pauses == [*PAUSES, PAUSES[-1], PAUSES[-1]]
    assert sorted(pauses) == pauses


def test_a_clock_that_is_set_back_keeps_nothing_waiting(clock):
    retry = next_retry(None)
    assert not is_due(retry)
    clock.now -= 365 * 86400
    assert is_due(retry)


def test_an_index_that_is_asked_for_tries_again_and_leaves_no_trace(library, path):
    extraction = SimulatedExtraction(unreadable={path})
    assert run(library, extraction).failed == 1
    photo = photo_at(library, path)
    assert (photo.failure, photo.retry.times) == ("Input/output error", 1)
    assert run(library, extraction).failed == 1
    assert photo_at(library, path).retry.times == 2
    extraction.unreadable.clear()
    run(library, extraction)
    photo = photo_at(library, path)
    assert (photo.failure, photo.retry, photo.spaces) == (None, None, (SPACE,))


def test_what_the_bytes_are_to_blame_for_is_not_tried_again(library, path):
    Path(path).write_bytes(b"broken")
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert photo_at(library, path).retry is None
    run(library, extraction)
    assert extraction.read.count(path) == 1


def test_another_extractor_tries_again_too(library, path):
    first, second = SimulatedExtraction(), SimulatedExtraction(name="other", unreadable={path})
    run(library, first, second)
    photo = photo_at(library, path)
    assert (photo.failure, photo.spaces) == (None, (SPACE,))
    assert (list(photo.refusals), photo.retry.times) == (["other@1"], 1)
    run(library, first, second)
    assert photo_at(library, path).retry.times == 2  # The count outlives the reading by the first.
    second.unreadable.clear()
    run(library, first, second)
    photo = photo_at(library, path)
    assert (set(photo.spaces), photo.refusals, photo.retry) == ({SPACE, "other@1"}, {}, None)


def test_a_photo_keeps_its_embedding_if_it_cannot_be_read_again(library, path):
    extraction = SimulatedExtraction()
    run(library, extraction)
    before = photo_at(library, path)
    Path(path).with_suffix(".xmp").write_bytes(b"<xmp/>")
    extraction.unreadable.add(path)
    assert run(library, extraction).failed == 1
    assert photo_at(library, path) == before
    extraction.unreadable.clear()
    run(library, extraction)
    assert photo_at(library, path).sidecar is not None


def test_a_sidecar_that_cannot_be_read_is_read_at_the_next_look(library, path):
    class WithoutSidecar(SimulatedExtraction):
        def _extract(self, path, known, in_company):
            return replace(super()._extract(path, known, in_company), lacks_sidecar=True)

    Path(path).with_suffix(".xmp").write_bytes(b"<xmp/>")
    run(library, WithoutSidecar())
    assert SPACE in photo_at(library, path).spaces
    extraction = SimulatedExtraction()
    run(library, extraction)
    assert extraction.read == [path]
    assert extraction.embedded == []
    run(library, extraction)
    assert extraction.read == [path]


def test_each_failure_is_taken_once_when_it_is_due(clock):
    store = MemoryStore()
    store.put_folder(Folder("/there", added=0.0))
    store.put_folder(Folder("/away", added=0.0, state="offline"))
    at = int(clock.now) + 60
    store.commit(
        [
            Photo("/there/a", failure="I/O error", retry=Retry(1, at)),
            Photo("/there/b", failure="no picture"),
            Photo("/away/c", failure="I/O error", retry=Retry(1, at)),
        ]
    )
    waiting = Retries(store)
    assert waiting.take() == []
    assert waiting.wait == 60
    clock.now += 60
    assert waiting.take() == ["/there/a"]
    store.commit([Photo("/there/d")])  # Another version of the library, but no other failure.
    assert waiting.take() == []
    (photo,) = store.select(Filter("/there", passing=True))
    store.commit([replace(photo, retry=next_retry(photo.retry))])
    assert (waiting.take(), waiting.wait) == ([], PAUSES[1])
