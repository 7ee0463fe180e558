"""Photos are found by words, with a small model of two towers that is trained here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import two_towers
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import start, stop
from photofind.model import Query
from photofind.paths import Home
from photofind.settings import set_setting

EACH = 4  # Photos of each colour and shape.
K = 8


@pytest.fixture(scope="module")
def asked(towers, tmp_path_factory):
    """A client of a daemon with photos of shapes, and their folder."""
    home = Home(tmp_path_factory.mktemp("library") / "home")
    folder = tmp_path_factory.mktemp("shapes")
    random = np.random.default_rng(5)
    places = random.permutation(EACH * len(two_towers.COLOURS) * len(two_towers.SHAPES))
    kinds = [(colour, shape) for colour in two_towers.COLOURS for shape in two_towers.SHAPES]
    shows = {}
    for place in places:  # Their names say nothing.
        photo = folder / f"IMG_{place:04}.png"
        shows[str(photo)] = kinds[place % len(kinds)]
        two_towers.draw(*shows[str(photo)], random).save(photo)
    set_setting(home.settings, "extractor", "clip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOFIND_HOME", str(home.root))
        with PhotoFind(home) as library:
            library.add_folder(str(folder))
            library.index()
        start(home)
        try:
            client = connect_to_running(home)
            assert client is not None
            with client:
                yield client, shows
        finally:
            stop(home)


def shares(client, shows, wanted, **query):
    """Return how many of the first K hits are what is wanted."""
    answer = client.similar(Query(limit=K, every=True, **query))
    return sum(wanted(*shows[hit.path]) for hit in answer.hits) / K


def test_words_find_what_they_name(asked):
    client, shows = asked
    for colour in two_towers.COLOURS:
        found = shares(client, shows, lambda one, _: one == colour, words=f"a {colour}")  # noqa: B023
        assert found >= 0.75, colour
    (first, *_) = client.similar(Query(words="a big red cross")).hits
    assert shows[first.path] == ("red", "cross")
    answer = client.similar(Query(words="a big red cross"))
    assert answer.by_words.compared_by == (answer.spaces[0], "written")
    assert answer.hits[0].words == answer.hits[0].score


def test_the_search_box_finds_what_photos_show(asked):
    """What is typed is looked for in what is written, and in what photos show."""
    client, shows = asked
    answer = client.search("big red cross")
    assert [space.partition("@")[0] for space in answer.compared_by] == ["clip"]
    first = answer.hits[0]
    assert shows[first.path] == ("red", "cross")
    assert first.found_by == ("what it shows",)
    assert first.shows > 0.25
    blue = client.search("blue", limit=K)
    assert sum(shows[hit.path][0] == "blue" for hit in blue.hits) >= 0.75 * K
    assert blue.total > K
    more = client.search("blue", limit=K, offset=K)
    assert not {hit.path for hit in blue.hits} & {hit.path for hit in more.hits}
    # As a person types, too: it is loaded by now.
    assert client.search("blue", limit=K, as_typed=True).hits == blue.hits
    # What is written comes first with what is shown, and limits what is found.
    wait_until(lambda: client.search("blue").is_current, "the text index")
    written = Path(blue.hits[3].path).stem
    both = client.search(f"blue {written}", limit=K)
    assert Path(both.hits[0].path).stem == written
    assert both.hits[0].found_by[-1] == "what it shows"
    assert [hit.path for hit in client.search(f"blue name:{written}").hits] == [blue.hits[3].path]
    for text in ('"blue"', "blue before:1999", "blue -type:png", "name:blue"):
        assert not client.search(text).hits, text
    assert not client.search("blue", tags=("holiday",)).hits
    assert not client.search('"blue"').compared_by


def test_a_photo_and_words_find_more_than_either(asked):
    """A photo says the shape, and words another colour."""
    client, shows = asked
    figures = {"photo": [], "words": [], "both": []}
    for colour, other in (("red", "blue"), ("green", "yellow"), ("blue", "white")):
        for shape in two_towers.SHAPES:
            photo = next(path for path, shown in shows.items() if shown == (colour, shape))

            def wanted(one, what, other=other, shape=shape):
                return (one, what) == (other, shape)

            words = f"a {other}"
            figures["photo"].append(shares(client, shows, wanted, like=(photo,)))
            figures["words"].append(shares(client, shows, wanted, words=words))
            figures["both"].append(shares(client, shows, wanted, like=(photo,), words=words))
    by = {name: float(np.mean(values)) * K / EACH for name, values in figures.items()}
    print(by)  # Of all that are wanted, by each.
    assert by["both"] > 1.3 * max(by["photo"], by["words"])
    alone = client.similar(Query(like=(photo,), words="a red", words_weight=0.0))
    assert alone.by_words is None
    assert alone.hits == client.similar(Query(like=(photo,))).hits


def test_filters_limit_photos_and_words_alike(asked):
    client, shows = asked
    photo = next(iter(shows))
    answer = client.similar(Query(like=(photo,), words="a red", until="1999"))
    assert not answer.hits


def test_an_explanation_says_what_came_from_words(asked):
    client, shows = asked
    photo = next(path for path, shown in shows.items() if shown == ("red", "circle"))
    query = Query(like=(photo,), words="a blue", words_weight=0.7, every=True)
    hit = client.similar(query).hits[0]
    explanation = client.explain(photo, hit.id, words="a blue", words_weight=0.7)
    assert explanation.words.score == pytest.approx(hit.words, abs=1e-3)
    assert explanation.score == pytest.approx(hit.score, abs=1e-3)
    assert [name for name, _ in explanation.words.parts] == [explanation.parts[0].space, "written"]
    assert 'The hit fits "a blue" by' in explanation.sentence
