"""Photos are found by words where an extractor embeds texts: in process, and through a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import environment, photofind
from PIL import Image

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import stop
from photofind.errors import LibraryError, RequestError
from photofind.model import Answer, ByWords, Query
from photofind.paths import Home
from photofind.settings import set_setting

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"
COLOURS = {
    "red": (250, 5, 0), "green": (0, 200, 5), "blue": (9, 3, 240), "yellow": (240, 250, 10),
    "purple": (200, 0, 220), "white": (250, 250, 255), "black": (4, 0, 1), "brown": (120, 60, 5),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=":")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (60, 40), colour).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def indexed(home: Home, folder: Path) -> Iterator[PhotoFind]:
    set_setting(home.settings, "extractor", "colour-words")
    with PhotoFind(home) as library:
        library.add_folder(str(folder))
        library.index()
        yield library


def names(answer: Answer) -> list[str]:
    return [Path(hit.path).stem for hit in answer.hits]


def test_photos_are_found_by_words(indexed: PhotoFind, folder: Path) -> None:
    for colour in ("red", "green", "blue", "yellow", "purple"):
        answer = indexed.similar(Query(words=f"something  {colour}", every=True))
        assert names(answer)[0] == colour
        assert answer.extractor == "colour-words"
        assert answer.photos == len(COLOURS)
        scores = {name: hit.score for name, hit in zip(names(answer), answer.hits, strict=True)}
        # Of few photos hardly any is unrelated to no text, so none stands out far.
        assert scores[colour] > 0.1 > scores["black"]
    both = indexed.similar(Query(like=(str(folder / "red.png"),), words="blue", every=True))
    assert {*names(both)[:2]} == {"blue", "purple"}
    assert "red" not in names(both), "the query's own photo is left out"


def test_words_that_nothing_can_be_done_with(home: Home, indexed: PhotoFind, folder: Path) -> None:
    red = str(folder / "red.png")
    with pytest.raises(LibraryError, match="a query needs a photo"):
        indexed.similar(Query())
    with pytest.raises(LibraryError, match="a query needs a photo"):
        indexed.similar(Query(unlike=(red,), words="red"))
    with pytest.raises(LibraryError, match="where the query has one photo"):
        indexed.similar(Query(words="red", box=(0, 0, 0.5, 0.5)))
    set_setting(home.settings, "extractor", "mean-colour")
    with PhotoFind(home) as library:
        library.index()
        alone = library.similar(Query(words="reds or blue", extractor="mean-colour"))
        assert {*names(alone)} == {"red", "blue"}, "they are called so"
        assert alone.searched_by == "written"
        assert alone.by_words == ByWords(1.0, ("written",))
        assert any("no extractor in use embeds texts" in note for note in alone.notes)
        assert not library.similar(Query(words="nothing", extractor="mean-colour")).hits
        asked = Query((red,), words="blue", words_weight=0.9, extractor="mean-colour")
        both = library.similar(asked)
        assert names(both)[0] == "blue"
        assert both.hits[0].words == 0.9
        assert both.by_words == ByWords(0.9, ("written",))
        why = library.explain(red, both.hits[0].id, words="blue", words_weight=0.9)
        assert why.score == pytest.approx(both.hits[0].score, abs=1e-3)
        assert why.words is not None
        assert [(one.field, one.text) for one in why.words.matches] == [("name", "blue")]
        assert "The hit fits \"blue\" by 90% by its name 'blue'." in why.sentence


def test_words_through_a_daemon_and_on_the_command_line(
    home: Home, indexed: PhotoFind, folder: Path
) -> None:
    indexed.close()
    surroundings = environment(home.root, PHOTOFIND_NO_DAEMON="")
    assert photofind("daemon", "start", env=surroundings).code == 0
    try:
        client = connect_to_running(home)
        assert client is not None
        with client:
            answer = client.similar(Query(words="a green thing", every=True, limit=3))
            assert names(answer)[0] == "green"
            assert answer.query.words == "a green thing"
            with pytest.raises(RequestError, match="at least one photo, or words"):
                client.similar(Query())
            with pytest.raises(RequestError, match="words"):
                client.similar(Query(words=" "))
        found = photofind("similar", "--words", "blue", "--paths-only", env=surroundings)
        assert found.lines[0] == str(folder / "blue.png")
        neither = photofind("similar", env=surroundings)
        assert neither.code == 2
    finally:
        stop(home)
