"""Judgements rank the answer to their query anew."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_library import (
    CLASSES,
    SPACE,
    ask,
    content,
    contents_of,
    fill,
    judge_first,
    path,
    precision,
)

from photofind.learning.feedback import reranking
from photofind.learning.feedback.judging import key_of, listed, named
from photofind.learning.feedback.reranking import Reranker
from photofind.library.memory import MemoryStore
from photofind.model.judgements import Asked, Judgement
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.projection import normalised

QUERY = content(2, 5)


@pytest.fixture
def store() -> MemoryStore:
    library = MemoryStore()
    fill(library, noise=2.2)
    return library


def test_without_judgements_the_answer_stays(store: MemoryStore, home: Home) -> None:
    store.judge([Judgement(Asked(("other",)), content(1, 1), True)])
    answer = ask(store, home, QUERY, Reranker(store))
    assert answer.hits == ask(store, home, QUERY, None).hits
    assert answer.feedback is None


def test_likes_and_dislikes_improve_what_is_not_judged(store: MemoryStore, home: Home) -> None:
    gains = []
    for code in range(CLASSES):
        query = content(code, 3)
        before = contents_of(ask(store, home, query, Reranker(store, kept=False)))
        judged = {one.content for one in judge_first(store, home, query, 12)}
        after = contents_of(ask(store, home, query, Reranker(store)))
        gains.append(precision(after, query, judged) - precision(before, query, judged))
    assert np.mean(gains) > 0.03
    assert min(gains) > -0.02


def test_what_is_liked_comes_first_and_what_is_not_wanted_is_no_hit(
    store: MemoryStore, home: Home
) -> None:
    liked, disliked = content(4, 1), content(2, 6)
    ranking = Reranker(store, liked=[liked], disliked=[disliked])
    answer = ask(store, home, QUERY, ranking)
    assert contents_of(answer)[0] == liked
    assert disliked not in contents_of(answer)
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    assert answer.feedback is not None
    assert [(one.path, one.liked) for one in answer.feedback.judged] == [
        (path(liked), True),
        (path(disliked), False),
    ]
    assert ranking.asked == Asked((QUERY,))
    assert answer.feedback.key == key_of(ranking.asked)
    proposed = {hit.path for hit in answer.feedback.proposals}
    assert len(proposed) == 8
    assert proposed.isdisjoint({path(liked), path(disliked), path(QUERY)})


def test_judgements_are_those_of_the_same_query_whatever_it_is_limited_to(
    store: MemoryStore, home: Home
) -> None:
    disliked = content(2, 6)
    store.judge([Judgement(Asked((QUERY,)), disliked, False)])
    there = contents_of(ask(store, home, QUERY, Reranker(store), folder="/photos/2"))
    assert disliked not in there
    assert len(there) == 38
    # A photo of another folder is judged; it is no hit, and counts.
    store.judge([Judgement(Asked((QUERY,)), content(4, 1), True)])
    answer = ask(store, home, QUERY, Reranker(store), folder="/photos/2")
    assert {*contents_of(answer)} == {*there}
    assert answer.feedback is not None
    assert len(answer.feedback.judged) == 2
    other = ask(store, home, content(2, 7), Reranker(store))
    assert disliked in contents_of(other)
    part = ask(store, home, content(2, 7), Reranker(store, forgotten=[disliked]))
    assert part.feedback is None


def test_a_judgement_that_is_forgotten_does_not_count(store: MemoryStore, home: Home) -> None:
    disliked = content(2, 6)
    store.judge([Judgement(Asked((QUERY,)), disliked, False)])
    ranking = Reranker(store, forgotten=[disliked])
    assert disliked in contents_of(ask(store, home, QUERY, ranking))
    assert disliked in contents_of(ask(store, home, QUERY, Reranker(store, kept=False)))


def test_in_a_large_library_only_what_is_near_is_ranked(
    store: MemoryStore, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reranking, "POOL", 40)
    monkeypatch.setattr(reranking, "MOST", 120)
    liked = content(4, 1)
    before = contents_of(ask(store, home, QUERY, Reranker(store, kept=False), limit=10))
    answer = ask(store, home, QUERY, Reranker(store, liked=[liked]), limit=100)
    found = contents_of(answer)
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    assert len(found) == 100
    assert found[0] == liked
    assert {one for one in found if one.startswith("0004")} > {liked}, "and what is near to it"
    assert {*before[:3]} <= {*found}


def test_several_extractors_are_ranked_anew_together(store: MemoryStore, home: Home) -> None:
    contents, vectors = next(iter(store.scan(SPACE)))
    store.open_space("other", "1", vectors.shape[1])
    noise = np.random.default_rng(1).normal(size=vectors.shape)
    others = normalised(vectors + 0.1 * noise.astype(np.float32))
    photos = store.by_content(contents)
    every = [photo for content in contents for photo in photos[content]]
    store.commit(every, "other@1", dict(zip(contents, others, strict=True)))
    liked, disliked = content(4, 1), content(2, 6)
    ranking = Reranker(store, liked=[liked], disliked=[disliked])
    answer = ask(store, home, QUERY, ranking, extractor="made-up,other")
    assert answer.spaces == ("made-up@1", "other@1")
    assert contents_of(answer)[0] == liked
    assert disliked not in contents_of(answer)


def test_copies_are_judged_with_their_photo_and_a_move_loses_nothing(
    store: MemoryStore, home: Home
) -> None:
    disliked = content(2, 6)
    store.judge([Judgement(Asked((QUERY,)), disliked, False)])
    store.commit([Photo("/elsewhere/copy.jpg", content=disliked)])
    answer = ask(store, home, QUERY, Reranker(store))
    assert not any(disliked in hit.path or "copy" in hit.path for hit in answer.hits)
    assert answer.feedback is not None
    assert {one.path for one in answer.feedback.judged} == {path(disliked), "/elsewhere/copy.jpg"}
    (photo,) = store.by_path([path(QUERY)]).values()
    store.remove([photo])
    store.commit([Photo("/moved/query.jpg", content=QUERY)], SPACE)
    (one,) = listed(store)
    assert one.query == ("/moved/query.jpg",)
    assert {*one.paths} == {path(disliked), "/elsewhere/copy.jpg"}


def test_judgements_are_listed_by_query_and_named(store: MemoryStore) -> None:
    one, other = Asked((QUERY,)), Asked((content(0, 0), QUERY), "a boat", (0.0, 0.0, 0.5, 0.5))
    store.judge(
        [
            Judgement(one, content(1, 1), True, 1.0),
            Judgement(other, content(1, 1), False, 2.0),
            Judgement(one, content(1, 2), False, 3.0),
        ]
    )
    shown = listed(store)
    assert [(j.moment, j.liked) for j in shown] == [(3.0, False), (1.0, True), (2.0, False)]
    assert (shown[-1].words, shown[-1].box) == ("a boat", (0.0, 0.0, 0.5, 0.5))
    assert shown[-1].query == (path(content(0, 0)), path(QUERY))
    assert named(store, [shown[0].judgement]) == [Judgement(one, content(1, 2), False, 3.0)]
    assert len(named(store, [key_of(one), "0" * 32])) == 2
