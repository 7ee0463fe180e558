"""Evaluating made embeddings: protocols are apart, copies are out, a part is a part."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_gallery import made_gallery

from photofind.errors import LearningError
from photofind.learning.evaluation import Plan, _expected, evaluate
from photofind.learning.splits import held_out_photos
from photofind.model import Progress


def last(gallery, plan):
    *_, found = evaluate(gallery, plan)
    return found


@pytest.fixture(scope="module")
def held_out():
    return last(made_gallery(), Plan(split=0.25, engines=False))


def retrieval(found, ranking, protocol):
    (one,) = (r for r in found.retrieval if (r.ranking, r.protocol) == (ranking, protocol))
    return one


def test_all_protocols_are_measured(held_out):
    assert held_out.complete
    assert [one.classifier for one in held_out.classification] == [
        "k-NN, cosine", "k-NN, centred cosine", "k-NN, Euclidean", "linear probe",
        "k-NN, photofind's ranking",
    ]  # fmt: skip
    assert {one.photos for one in held_out.classification} == {15}
    assert {(one.ranking, one.protocol) for one in held_out.retrieval} == {
        ("cosine", "leave-one-out"),
        ("centred cosine", "leave-one-out"),
        ("Euclidean", "leave-one-out"),
        ("photofind", "leave-one-out"),
        ("cosine", "query in gallery"),
        ("photofind", "query in gallery"),
        ("cosine", "held out"),
        ("photofind", "held out"),
    }
    assert [one.at_least for one in held_out.scores] == [0.5, 0.7]
    assert len(held_out.examples) == 6


def test_classes_that_lie_together_are_told_apart(held_out):
    for one in held_out.classification:
        assert one.accuracy.value > 0.9
        assert np.array(one.confusion).sum() == one.photos
    plain = retrieval(held_out, "cosine", "leave-one-out").figures["map"]
    assert plain.low < plain.value < plain.high
    assert plain.value > 0.7


def test_euclidean_ranks_unit_vectors_as_the_cosine_does(held_out):
    plain = retrieval(held_out, "cosine", "leave-one-out")
    other = retrieval(held_out, "Euclidean", "leave-one-out")
    assert other.figures["map"].value == pytest.approx(plain.figures["map"].value, abs=1e-3)


def test_queries_are_drawn_from_all_classes_where_there_are_many():
    few = last(made_gallery(), Plan(split=0.25, product_queries=8, engines=False))
    product = few.classification[-1]
    assert (product.classifier, product.photos) == ("k-NN, photofind's ranking", 8)
    assert all(sum(row) for row in product.confusion), "a class was not asked with"
    assert any("8 by photofind's ranking, drawn at random" in note for note in few.notes)


def test_query_in_the_gallery_is_its_own_first_hit(held_out):
    with_query = retrieval(held_out, "photofind", "query in gallery")
    assert with_query.figures["precision_at_1"].value == 1
    without = retrieval(held_out, "photofind", "leave-one-out")
    assert with_query.figures["map"].value > without.figures["map"].value


def test_seeds_repeat():
    plan = Plan(split=0.25, seed=5, engines=False)
    first, second = (last(made_gallery(each=8), plan) for _ in range(2))
    assert first.classification == second.classification
    assert first.retrieval == second.retrieval


def test_leave_one_out_tells_every_photo():
    found = last(made_gallery(each=10), Plan(split=None, engines=False))
    settings = {one.classifier: (one.setting, one.photos) for one in found.classification}
    assert settings["k-NN, cosine"] == ("leave-one-out", 30)
    assert settings["linear probe"] == ("10 folds", 30)
    assert not [one for one in found.retrieval if one.protocol == "held out"]


def test_copies_are_taken_out_and_named():
    gallery = made_gallery(each=8)
    contents = list(gallery.contents)
    contents[1] = contents[0]
    contents[8] = contents[2]  # Of another class.
    found = last(replace(gallery, contents=tuple(contents)), Plan(engines=False))
    assert found.photos == 22
    assert [(leak.kept, leak.removed) for leak in found.leaks] == [
        ("/labelled/ants/0.jpg", "/labelled/ants/1.jpg"),
        ("/labelled/ants/2.jpg", "/labelled/bees/8.jpg"),
    ]
    assert any("2 photos are taken out as copies of others" in note for note in found.notes)
    assert any("/labelled/bees/8.jpg is 'bees'" in note for note in found.notes)


def test_scenes_are_searched_for_and_not_classified():
    gallery = made_gallery([f"scene {n}" for n in range(12)], 3, kind="scenes")
    found = last(gallery, Plan(engines=False))
    assert not found.classification
    assert retrieval(found, "photofind", "leave-one-out").queries == 36


def test_too_few_are_refused():
    with pytest.raises(LearningError, match="the label 'ants'"):
        last(made_gallery(["ants"]), Plan())
    gallery = made_gallery(each=2)
    same = replace(gallery, contents=("a", "a", "b", "b", "c", "c"))
    with pytest.raises(LearningError, match="fewer than two labels"):
        last(same, Plan())


def test_none_held_out_but_copies_is_refused():
    gallery = made_gallery(each=8)
    # All photos of each class but one have one content, so that one held out has copies.
    held_out = held_out_photos(gallery.photos.codes, 0.15, 0).queries
    single = held_out // 8 * 8 + (held_out + 1) % 8
    contents = tuple(f"{place // 8} {place in single}" for place in range(24))
    with pytest.raises(LearningError, match="held out of /labelled has a copy among the others"):
        last(replace(gallery, contents=contents), Plan(split=0.15, seed=0, engines=False))


def test_a_part_says_so_and_keeps_what_it_has():
    steps = evaluate(made_gallery(each=8), Plan(engines=False))
    next(steps)
    part = next(steps)
    assert not part.complete
    assert len(part.classification) == 3
    assert not part.retrieval


def test_progress_tells_steps_and_the_time_left():
    said: list[Progress] = []
    for _ in evaluate(made_gallery(each=8), Plan(engines=False), said.append):
        pass
    steps = [one for one in said if one.total == 5]
    assert [one.done for one in steps] == [0, 1, 2, 3, 4]
    assert steps[-1].seconds_left is not None


def test_time_left_is_told_by_what_steps_cost_and_took():
    assert _expected({}, "linear probe") == 0
    took = {"k-NN": [2.0]}
    assert _expected(took, "linear probe") == 8
    took["linear probe"] = [28.0]
    assert _expected(took, "linear probe") == 28
    assert _expected(took, "retrieval by cosine") == 24
