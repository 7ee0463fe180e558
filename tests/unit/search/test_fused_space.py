"""Several extractors compare in one space of all, and by their scores until that is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from photofind.errors import ExtractorError, ImageError
from photofind.extractors.extracted import Extracted
from photofind.extractors.info import ExtractorInfo
from photofind.indexing.deriving import Deriver
from photofind.indexing.index_building import build_index
from photofind.library.memory import MemoryStore
from photofind.model import Answer, Query
from photofind.model.fused import fused_space, is_fused
from photofind.model.records import Photo, Space
from photofind.paths import Home
from photofind.ranking.calibration import typical
from photofind.ranking.fusion import fuse_embeddings
from photofind.search import spaces
from photofind.search.searcher import Searcher

ONE, OTHER = Space("one", "1", 16), Space("other", "2", 24)
BOTH = "one,other"
PHOTOS = 60


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "installed_names", lambda home: {"one", "other"})


def embed(store: MemoryStore, space: Space, names: list[str], seed: int) -> None:
    store.open_space(space.extractor, space.version, space.dimension)
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(len(names), space.dimension)).astype(np.float32)
    photos = [Photo(f"/photos/{name}.jpg", content=name) for name in names]
    store.commit(photos, space.id, dict(zip(names, vectors, strict=True)))


def derive(store: MemoryStore, **weights: float) -> Space:
    """Compute the space of both, as indexing does."""
    spaces = {ONE: weights.get("one", 1.0), OTHER: weights.get("other", 1.0)}
    fused = fused_space(spaces)
    store.open_space(fused.extractor, fused.version, fused.dimension)

    def compute(*parts: np.ndarray) -> np.ndarray:
        return fuse_embeddings(*parts, weights=[*spaces.values()])

    deriver = Deriver(store, fused.extractor, fused.id, ["one", "other"], compute)
    deriver.bases = [ONE.id, OTHER.id]
    while deriver.has_work:
        deriver.step()
    return fused


def names(count: int) -> list[str]:
    return [f"{number:02}" for number in range(count)]


@pytest.fixture
def store(store: MemoryStore) -> MemoryStore:
    """Photos that both have embedded, with indexes."""
    embed(store, ONE, names(PHOTOS), 1)
    embed(store, OTHER, names(PHOTOS), 2)
    for space in (ONE, OTHER):
        build_index(store, space.id, graph=False)
    return store


def no_extraction(name: str) -> Any:
    raise AssertionError("no photo needs to be read")


def ask(store: MemoryStore, home: Home, path: str, extraction: Any = no_extraction) -> Answer:
    searcher = Searcher(store, home, BOTH, extraction)
    return searcher.similar(Query((path,), limit=2 * PHOTOS, min_score=0.0))


def test_its_name_says_what_it_is_made_of() -> None:
    assert fused_space({ONE: 1.0, OTHER: 1.0}) == Space("one,other", "1+2", 40)
    assert fused_space({OTHER: 1.0, ONE: 1.0}) == fused_space({ONE: 2.0, OTHER: 2.0})
    weighted = fused_space({ONE: 3.0, OTHER: 1.5})
    assert (weighted.id, is_fused(weighted), is_fused(ONE)) == ("one=2,other@1+2", True, False)


def test_its_cosine_is_the_weighted_mean_of_the_cosines() -> None:
    parts = [np.random.default_rng(n).normal(size=(5, 8 + n)).astype("f4") for n in range(2)]
    fused = fuse_embeddings(*parts, weights=[3, 1])
    parts = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts]
    expected = 0.75 * parts[0] @ parts[0].T + 0.25 * parts[1] @ parts[1].T
    np.testing.assert_allclose(fused @ fused.T, expected, atol=1e-6)


def test_what_varied_photos_look_like_in_it_follows_from_its_parts() -> None:
    one, other = (typical(name, None, 0) for name in ("mobilenet", "efficientnet-lite0"))
    both = typical("efficientnet-lite0,mobilenet", None, 0)
    assert both.median == pytest.approx((one.median + other.median) / 2)
    assert other.deviation / 2 < both.deviation < (one.deviation + other.deviation) / 2
    weighted = typical("efficientnet-lite0,mobilenet=99", None, 0)
    assert weighted.median == pytest.approx(one.median, abs=0.01)
    assert typical("mobilenet,unknown", None, 0) == typical("unknown", None, 0)


def test_it_answers_once_it_has_an_index(store: MemoryStore, home: Home) -> None:
    by_scores = ask(store, home, "/photos/03.jpg")
    fused = derive(store)
    assert ask(store, home, "/photos/03.jpg").hits == by_scores.hits
    build_index(store, fused.id, graph=False)
    answer = ask(store, home, "/photos/03.jpg")
    assert answer.hits != by_scores.hits
    assert (answer.extractor, answer.photos) == (BOTH, PHOTOS)


def test_another_weight_is_another_space(store: MemoryStore, home: Home) -> None:
    build_index(store, derive(store, one=2).id, graph=False)
    with_scores = Searcher(store, home, BOTH, no_extraction)
    with_space = Searcher(store, home, "one=2,other", no_extraction)
    query = Query(("/photos/03.jpg",), limit=2 * PHOTOS, min_score=0.0)
    assert with_scores.similar(query).hits != with_space.similar(query).hits


def test_photos_that_one_of_them_has_not_are_found_by_the_other(
    store: MemoryStore, home: Home
) -> None:
    build_index(store, derive(store).id, graph=False)
    embed(store, OTHER, ["refused"], 3)
    embed(store, ONE, ["new"], 4)
    found = {hit.path for hit in ask(store, home, "/photos/03.jpg").hits}
    assert {"/photos/refused.jpg", "/photos/new.jpg"} <= found
    assert len(found) == PHOTOS + 1


class Outside:
    """Embeds photos from outside by one of them; the other is broken, or refuses them."""

    def __init__(
        self, name: str, broken: dict[str, Exception], texts: dict[str, np.ndarray] | None = None
    ) -> None:
        self.texts = texts or {}
        self.space = ONE if name == "one" else OTHER
        self.broken = broken.get(name)

    def info(self) -> ExtractorInfo:
        space = self.space
        abilities = ("embed_text",) if self.texts else ()
        return ExtractorInfo(
            space.extractor,
            space.version,
            space.dimension,
            (1, 1),
            "made-up",
            abilities=abilities,
        )

    def embed_text(self, texts: list[str]) -> np.ndarray:
        """Embed each text as the photo that it names; other texts by chance."""
        random = np.random.default_rng(9).normal(size=(len(texts), self.space.dimension))
        for vector, text in zip(random, texts, strict=True):
            if text in self.texts:
                vector[:] = self.texts[text]
        return np.asarray(random, np.float32)

    def extract(self, paths: list[str]) -> list[Extracted]:
        if self.broken:
            raise self.broken
        vector = np.ones(self.space.dimension, np.float32)
        return [Extracted(path=path, content="new", vector=vector) for path in paths]

    def extract_views(self, path: str, **options: Any) -> Extracted:
        return Extracted(path=path, content="new", vector=self.extract([path])[0].vector[None])


@pytest.mark.parametrize("error", [ExtractorError("it is broken"), ImageError("it is refused")])
@pytest.mark.parametrize("broken", ["one", "other"])
def test_the_others_answer_for_one_that_does_not_work(
    store: MemoryStore, home: Home, broken: str, error: Exception
) -> None:
    build_index(store, derive(store).id, graph=False)
    answer = ask(store, home, "/outside.jpg", lambda name: Outside(name, {broken: error}))
    assert answer.extractor == ({"one", "other"} - {broken}).pop()
    assert len(answer.hits) == PHOTOS
    errors = {broken: error} | {name: ImageError("it is refused") for name in ("one", "other")}
    with pytest.raises(ImageError, match="it is refused"):
        ask(store, home, "/outside.jpg", lambda name: Outside(name, errors))


def test_a_photo_from_outside_is_compared_in_it(store: MemoryStore, home: Home) -> None:
    by_scores = ask(store, home, "/outside.jpg", lambda name: Outside(name, {}))
    build_index(store, derive(store).id, graph=False)
    answer = ask(store, home, "/outside.jpg", lambda name: Outside(name, {}))
    assert len(answer.hits) == PHOTOS
    assert answer.hits != by_scores.hits


def test_words_are_compared_beside_it_by_what_embeds_texts(store: MemoryStore, home: Home) -> None:
    build_index(store, derive(store).id, graph=False)
    embed(store, OTHER, ["refused"], 3)
    (_, (vector,)) = store.embeddings(OTHER.id, ["07"])

    def extraction(name: str) -> Any:
        return Outside(name, {}, {"seven": vector} if name == "other" else None)

    searcher = Searcher(store, home, BOTH, extraction)
    query = Query(("/photos/03.jpg",), limit=2 * PHOTOS, min_score=0.0)
    both = searcher.similar(replace(query, words="seven"))
    assert both.hits[0].path == "/photos/07.jpg"
    assert both.spaces == (ONE.id, OTHER.id)
    assert len(both.hits) == PHOTOS
    assert searcher.similar(query).hits[0].path != "/photos/07.jpg"
    words = searcher.similar(replace(query, like=(), words="seven"))
    assert words.hits[0].path == "/photos/07.jpg"
    assert words.spaces == (OTHER.id,)


def test_a_photo_that_one_refuses_is_told_of(store: MemoryStore, home: Home) -> None:
    broken = {"other": ImageError("it is refused")}
    answer = ask(store, home, "/outside.jpg", lambda name: Outside(name, broken))
    assert answer.notes == ("other: it is refused",)
