"""Answers to whole queries."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from photofind.errors import ExtractorError, ImageError, LibraryError
from photofind.extractors.extracted import Extracted
from photofind.extractors.info import ExtractorInfo
from photofind.indexing.index_building import build_index
from photofind.library.extractor_memory import ExtractorMemory
from photofind.library.memory import MemoryStore
from photofind.model import ExtractorProgress, Query
from photofind.model.records import Folder, Photo
from photofind.paths import Home
from photofind.search import spaces
from photofind.search.searcher import Searcher

DIMENSION = 16
SPACE = "made-up@1"


def put(store: MemoryStore, folder: str, count: int, seed: int, space: str = SPACE) -> list[Photo]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    photos = [Photo(f"{folder}/{n}.jpg", content=f"{seed:016x}{n:016x}") for n in range(count)]
    return store.commit(
        photos, space, {photo.content: v for photo, v in zip(photos, vectors, strict=True)}
    )


@pytest.fixture
def store(store: MemoryStore) -> MemoryStore:
    store.open_space("made-up", "1", DIMENSION)
    put(store, "/a", 20, 1)
    put(store, "/b", 10, 2)
    return store


def no_extraction(name: str) -> Any:
    raise AssertionError("no photo needs to be read")


def ask(searcher: Searcher, *like: str, **options: Any) -> Any:
    return searcher.similar(Query(like, limit=50, min_score=0.0, **options))


def test_filters_leave_what_they_let_pass(store: MemoryStore, home: Home) -> None:
    searcher = Searcher(store, home, "made-up", no_extraction)

    def found(query: str, folder: str) -> tuple[int, set[str]]:
        answer = ask(searcher, query, folder=folder)
        return answer.photos, {hit.path.rsplit("/", 1)[0] for hit in answer.hits}

    assert found("/a/1.jpg", "/b") == found("/a/2.jpg", "/b") == (10, {"/b"})
    assert found("/a/1.jpg", "/a") == (20, {"/a"})
    put(store, "/b", 5, 3)  # Others by the same names.
    put(store, "/b/c", 5, 4)
    assert found("/a/1.jpg", "/b") == (15, {"/b", "/b/c"})


def test_the_query_itself_is_no_hit_and_its_copies_come_first(
    store: MemoryStore, home: Home
) -> None:
    (photo,) = store.by_path(["/a/3.jpg"]).values()
    store.commit([Photo("/b/copy.jpg", content=photo.content)])
    store.put_folder(Folder("/b", 0.0, state="offline"))
    answer = ask(Searcher(store, home, "made-up", no_extraction), "/a/3.jpg", every=True)
    assert (answer.photos, answer.extractor, answer.searched_by) == (31, "made-up", "plain")
    first = answer.hits[0]
    assert (first.path, first.score, first.offline) == ("/b/copy.jpg", 1.0, True)
    assert "/a/3.jpg" not in {hit.path for hit in answer.hits}
    assert answer.hits[1].score < 1.0


def test_all_hides_no_file_of_a_shot(store: MemoryStore, home: Home) -> None:
    """Without it the RAW and the developed file of one name are one hit."""
    raw, developed = "/a/3.dng", "/a/3.jpg"
    put(store, "/c", 1, 7)
    (photo,) = store.by_path(["/c/0.jpg"]).values()
    store.commit([replace(photo, path=raw)])
    searcher = Searcher(store, home, "made-up", no_extraction)
    folded = ask(searcher, "/b/1.jpg")
    assert any({raw, developed} <= {hit.path, *hit.copies} for hit in folded.hits)
    every = ask(searcher, "/b/1.jpg", every=True)
    assert {raw, developed} <= {hit.path for hit in every.hits}
    assert not any(hit.copies for hit in every.hits)


class Extraction:
    """An extraction of one version of an extractor: the last of a path's parts is its content."""

    def __init__(self, version: str) -> None:
        self.version = version

    def info(self) -> ExtractorInfo:
        return ExtractorInfo("made-up", self.version, DIMENSION, (1, 1), "made-up")

    def extract(self, paths: list[str]) -> list[Extracted]:
        return [
            Extracted(path=path, content="", failure="no picture")
            if path.endswith("broken")
            else Extracted(path=path, content="new", vector=np.ones(DIMENSION, np.float32) / 4)
            for path in paths
        ]

    def extract_views(self, path: str, **options: Any) -> Extracted:
        (upright,) = self.extract([path])
        return upright if upright.vector is None else replace(upright, vector=upright.vector[None])


def test_photos_from_outside_are_embedded(store: MemoryStore, home: Home) -> None:
    store.commit([Photo("/b/same.jpg", content="same")], SPACE, {"same": np.ones(DIMENSION)})
    searcher = Searcher(store, home, "made-up", lambda name: Extraction("1"))
    assert ask(searcher, "/outside/photo").hits[0].path == "/b/same.jpg"
    with pytest.raises(ImageError, match="/outside/broken cannot be used as a query: no picture"):
        ask(searcher, "/outside/broken")


class Turning(Extraction):
    """An extraction by which a photo that is turned looks like photo 4, and a part of it like 7."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__("1")
        paths = [*store.by_path(["/a/4.jpg", "/a/7.jpg"]).values()]
        self.turned, self.part = store.embeddings(SPACE, [photo.content for photo in paths])[1]
        self.asked: list[str] = []

    def extract_views(self, path: str, *, box: Any = None, turned: bool = False) -> Extracted:
        self.asked.append(path)
        (upright,) = self.extract([path])
        if upright.vector is None:
            return upright
        first = upright.vector if box is None else self.part
        rows = [first, *([self.turned] * 7 if turned else [])]
        return replace(upright, vector=np.stack(rows))


@pytest.fixture
def turning(store: MemoryStore) -> Turning:
    return Turning(store)


def test_a_photo_that_shows_nothing_again_is_turned(
    store: MemoryStore, home: Home, turning: Turning
) -> None:
    searcher = Searcher(store, home, "made-up", lambda name: turning)
    answer = ask(searcher, "/outside/photo")
    assert (answer.turned, answer.hits[0].path) == (True, "/a/4.jpg")
    assert answer.hits[0].score > 0.99 > answer.hits[1].score
    as_it_is = ask(searcher, "/outside/photo", any_rotation=False)
    assert not as_it_is.turned
    assert as_it_is.hits[0].score < 0.99


def test_a_photo_that_shows_something_again_is_not_turned(
    store: MemoryStore, home: Home, turning: Turning
) -> None:
    store.commit([Photo("/b/same.jpg", content="same")], SPACE, {"same": np.ones(DIMENSION)})
    searcher = Searcher(store, home, "made-up", lambda name: turning)
    answer = ask(searcher, "/outside/photo")
    assert (answer.turned, answer.hits[0].path, turning.asked) == (False, "/b/same.jpg", [])
    both = ask(searcher, "/outside/photo", any_rotation=True)
    assert both.turned
    assert {hit.path for hit in both.hits[:2]} == {"/b/same.jpg", "/a/4.jpg"}


def test_photos_of_the_library_are_turned_where_that_is_asked_for(
    store: MemoryStore, home: Home, turning: Turning
) -> None:
    searcher = Searcher(store, home, "made-up", lambda name: turning)
    assert ask(searcher, "/a/1.jpg").hits[0].path != "/a/4.jpg"
    assert turning.asked == []
    assert ask(searcher, "/a/1.jpg", any_rotation=True).hits[0].path == "/a/4.jpg"


def test_a_part_of_a_photo_is_compared_alone(
    store: MemoryStore, home: Home, turning: Turning
) -> None:
    searcher = Searcher(store, home, "made-up", lambda name: turning)
    for photo in ("/a/1.jpg", "/outside/photo"):
        answer = ask(searcher, photo, box=(0.0, 0.0, 0.5, 0.5), any_rotation=False)
        assert answer.hits[0].path == "/a/7.jpg"
    with pytest.raises(ImageError, match="/outside/broken cannot be used as a query: no picture"):
        ask(searcher, "/outside/broken", any_rotation=True)


class Comparing:
    """A verification that finds a picture in photo 9 alone."""

    def __init__(self) -> None:
        self.verdicts = SimpleNamespace(among=lambda contents: set())
        self.compared: list[str] = []

    def compare(self, candidates: Any, *, until: float) -> dict[tuple[str, str], Any]:
        self.compared += [photo.path for _, photo, _ in candidates]
        return {
            (asked.content, photo.content): ("cropped",) if photo.path == "/a/9.jpg" else None
            for asked, photo, _ in candidates
        }


def test_what_a_photo_was_cut_from_comes_first(store: MemoryStore, home: Home) -> None:
    comparing: Any = Comparing()
    searcher = Searcher(
        store, home, "made-up", lambda name: Extraction("1"), verification=comparing
    )
    plain = ask(searcher, "/outside/photo", every=True)
    assert comparing.compared == []
    answer = ask(searcher, "/outside/photo", every=True, originals=True)
    assert (answer.hits[0].path, answer.hits[0].score) == ("/a/9.jpg", 1)
    rest = [hit.path for hit in plain.hits if hit.path != "/a/9.jpg"]
    assert [hit.path for hit in answer.hits[1:]] == rest
    comparing.compared.clear()
    ask(searcher, "/a/9.jpg", originals=True)
    assert "/a/9.jpg" not in comparing.compared, "a photo is not compared with itself"
    with pytest.raises(LibraryError, match="not by a part of it"):
        ask(searcher, "/a/1.jpg", originals=True, box=(0.0, 0.0, 0.5, 0.5))


@pytest.mark.parametrize(
    "options", [{"box": (0.0, 0.0, 0.5, 0.5)}, {"any_rotation": True}, {"originals": True}]
)
def test_parts_and_rotations_are_of_one_photo(
    store: MemoryStore, home: Home, options: dict[str, Any]
) -> None:
    searcher = Searcher(store, home, "made-up", no_extraction)
    with pytest.raises(LibraryError, match="where the query has one photo"):
        ask(searcher, "/a/1.jpg", "/a/2.jpg", **options)


def test_the_version_that_is_installed_answers_for_photos_from_outside(
    store: MemoryStore, home: Home
) -> None:
    searcher = Searcher(store, home, "made-up", lambda name: Extraction("2"))
    with pytest.raises(ExtractorError, match="and has embedded no photo yet"):
        ask(searcher, "/outside/photo")
    store.open_space("made-up", "2", DIMENSION)
    put(store, "/new", 2, 5, "made-up@2")
    assert searcher.answering().first.version == "1"
    assert {hit.path for hit in ask(searcher, "/outside/photo").hits} == {
        "/new/0.jpg",
        "/new/1.jpg",
    }
    assert ask(searcher, "/a/1.jpg").photos == 30


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The extractors that are installed, which a test may change."""
    names = {"made-up", "other", "third"}
    monkeypatch.setattr(spaces, "installed_names", lambda home: names)
    return names


def embed(store: MemoryStore, space: str, count: int) -> None:
    """Have another extractor embed some of the photos."""
    extractor, version = space.split("@")
    store.open_space(extractor, version, DIMENSION)
    photos = [*store.select()][:count]
    embeddings = {photo.content: np.ones(DIMENSION, np.float32) for photo in photos}
    store.commit(photos, space, embeddings)


@pytest.mark.usefixtures("installed")
def test_another_space_answers_until_the_one_in_use_is_nearly_complete(
    store: MemoryStore, home: Home
) -> None:
    memory = ExtractorMemory(home, writable=True)
    searcher = Searcher(store, home, "other", no_extraction, memory=memory)
    assert searcher.answering().first.id == SPACE
    embed(store, "other@1", 28)
    assert searcher.answering().first.id == SPACE
    answer = ask(searcher, "/a/1.jpg")
    assert answer.spaces == (SPACE,)
    assert answer.coming == (ExtractorProgress("other", "1", 28, 30),)
    assert answer.notes == (
        "other 1 has embedded 28 of 30 photos so far; made-up answers until then",
    )
    embed(store, "other@1", 29)
    assert searcher.answering().first.id == "other@1"
    assert ask(searcher, "/a/1.jpg").notes == ()
    assert ask(searcher, "/a/1.jpg", extractor="made-up=2,other").extractor == "made-up,other"
    put(store, "/new", 9, 7)  # Of which it lacks all; it goes on answering.
    assert searcher.answering().first.id == "other@1"


def test_the_one_that_answered_goes_on_and_none_that_was_uninstalled(
    store: MemoryStore, home: Home, installed: set[str]
) -> None:
    memory = ExtractorMemory(home, writable=True)
    embed(store, "third@1", 28)
    third = Searcher(store, home, "third", no_extraction, memory=memory)
    assert third.answering().first.id == SPACE
    embed(store, "third@1", 29)
    assert third.answering().first.id == "third@1"
    embed(store, "other@1", 10)  # "made-up" has more photos, and did not answer before.
    searcher = Searcher(store, home, "other", no_extraction)  # It may only read.
    assert searcher.answering().first.id == "third@1"
    installed.discard("third")
    assert searcher.answering().first.id == SPACE
    installed.discard("made-up")
    assert searcher.answering().first.id == "other@1"


@pytest.mark.usefixtures("installed")
def test_one_broken_part_leaves_the_answer_to_the_other(store: MemoryStore, home: Home) -> None:
    embed(store, "other@1", 30)

    def extraction(name: str) -> Any:
        if name == "other":
            raise ExtractorError("the extractor 'other' cannot be loaded")
        return Extraction("1")

    for in_use in ("other,made-up", "other"):
        searcher = Searcher(store, home, in_use, extraction)
        assert ask(searcher, "/a/1.jpg").extractor == in_use
        answer = ask(searcher, "/outside/photo")
        assert (answer.extractor, len(answer.hits)) == ("made-up", 30)
        assert answer.notes == ("the extractor 'other' cannot be loaded",)
    with pytest.raises(ExtractorError, match="cannot be loaded"):
        ask(searcher, "/outside/photo", extractor="other")


def test_what_nothing_is_indexed_with_is_said(home: Home) -> None:
    store = MemoryStore()
    searcher = Searcher(store, home, "mobilenet", no_extraction)
    with pytest.raises(LibraryError, match="there are no photos to search in yet"):
        ask(searcher, "/a")
    store.put_folder(Folder("/photos", 0.0))
    with pytest.raises(LibraryError, match="nothing is indexed yet"):
        ask(searcher, "/a")
    with pytest.raises(ExtractorError, match="there is no extractor 'none'"):
        ask(searcher, "/a", extractor="none")


def test_an_index_replaced_during_a_query_is_asked_anew(store: MemoryStore, home: Home) -> None:
    put(store, "/c", 200, 3)
    build_index(store, SPACE, graph=False)
    searcher = Searcher(store, home, "made-up", no_extraction)
    expected = [hit.path for hit in ask(searcher, "/a/1.jpg").hits]
    nearest, replaced = store.nearest, []

    def replacing(*arguments: Any, **options: Any) -> Any:
        if not replaced:
            replaced.append(store.index(SPACE))
            store.remove_index(SPACE)
            with pytest.raises(LibraryError):
                nearest(*arguments, **options)
            build_index(store, SPACE, graph=False)
            raise LibraryError("the library has no index")
        return nearest(*arguments, **options)

    store.nearest = replacing  # type: ignore[method-assign]
    assert [hit.path for hit in ask(searcher, "/a/1.jpg").hits] == expected
    assert replaced

    def failing(*arguments: Any, **options: Any) -> Any:
        raise LibraryError("the disk refused")

    store.nearest = failing  # type: ignore[method-assign]
    with pytest.raises(LibraryError, match="the disk refused"):
        ask(searcher, "/a/1.jpg")


def test_a_photo_whose_drive_is_away_is_found_offline_and_searched_with(
    store: MemoryStore, home: Home
) -> None:
    """Its path is that of another photo now."""
    (photo,) = store.by_path(["/a/3.jpg"]).values()
    store.commit([replace(photo, away="first card"), Photo("/a/3.jpg", content="other")])
    searcher = Searcher(store, home, "made-up", no_extraction)
    found = {hit.path: hit.offline for hit in ask(searcher, "/a/4.jpg").hits}
    assert found["/a/3.jpg"]
    assert not found["/a/5.jpg"]
    again = searcher.similar(Query((photo.id,), limit=50, min_score=0.0))
    assert photo.id not in {hit.id for hit in again.hits}
    assert len(again.hits) == 29
