"""Photos are found by words, and the index follows the library whatever happens to its file."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from photofind.errors import LibraryError, RequestError
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.memory import MemoryStore
from photofind.model import SearchAnswer
from photofind.model.filters import Filter
from photofind.model.judgements import TagJudgement
from photofind.model.records import Folder, Photo
from photofind.paths import Home
from photofind.words import text_file, text_index
from photofind.words.searching import Limits, Shown, search
from photofind.words.text_file import is_sound
from photofind.words.text_index import TextIndex

TODAY = date(2024, 5, 15)
LONDON = (51.5, -0.12)
Asked = tuple[TextIndex, MemoryStore]


def places(coordinates: list[tuple[float, float]]) -> list[tuple[str, ...]]:
    return [("London", "England") if one == LONDON else () for one in coordinates]


def photo(path: str, tags: dict[str, float] | None = None, **known: object) -> Photo:
    return Photo(
        f"/pictures/{path}", content=path.encode("utf-8", "surrogateescape").hex(),
        tags={"a@1": tags or {}}, **{"captured": "2001-01-01", "format": "JPEG", **known},
    )  # fmt: skip


PHOTOS = [
    photo("London 2019/red bus.jpg", keywords=("London", "Red Bus"), camera="NIKON D750"),
    photo("b/RedBusLondon.NEF", captured="2019-12-25T10:00:00", caption="Weihnachten mit Oma 🎄"),
    photo("c/IMG_01234.jpg", {"minibus": 0.9}, captured="2020", latitude=51.5, longitude=-0.12),
    photo("d/東京駅.jpg", captured="2021-04-01", caption="北京市天安门广场"),
    photo("été/à la plage.png", caption="C'est l'été", format="PNG"),
    photo("f/sunset beach.jpg", captured="2018-07-01", camera="Canon EOS 5D"),
    photo("g/\udcff.jpg", captured="1999"),
]  # fmt: skip


def new_library() -> MemoryStore:
    store = MemoryStore()
    store.put_folder(Folder("/pictures", added=0.0))
    store.open_space("a", "1", 2)
    store.commit(PHOTOS, "a@1", {one.content: np.ones(2, np.float32) for one in PHOTOS})
    return store


def new_index(folder: Path, library: MemoryStore) -> TextIndex:
    made = TextIndex(folder / "home" / "words.sqlite", places)
    made.update(library)
    return made


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A library that no test changes, with its text index."""
    library = new_library()
    index = new_index(tmp_path_factory.mktemp("asked"), library)
    yield index, library
    index.close()


@pytest.fixture
def library() -> MemoryStore:
    return new_library()


@pytest.fixture
def index(tmp_path: Path, library: MemoryStore) -> Iterator[TextIndex]:
    made = new_index(tmp_path, library)
    yield made
    made.close()


def ask(index: TextIndex, library: MemoryStore, text: str, **limits: object) -> SearchAnswer:
    return search(index, library, text, Limits(**limits), TODAY)


def names(answer: SearchAnswer) -> set[str]:
    return {Path(hit.path).stem for hit in answer.hits}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red bus London 2019", {"red bus", "RedBusLondon"}),
        ('"red bus"', {"red bus", "RedBusLondon"}),
        ('"bus red"', set()),
        ("london -nikon", {"RedBusLondon", "IMG_01234"}),
        ("redbuslondon", {"RedBusLondon"}),
        ("weihnachten", {"RedBusLondon"}),
        ("christmas", {"RedBusLondon"}),
        ("🎄", {"RedBusLondon"}),
        ("IMG_01234", {"IMG_01234"}),
        ("vehicle", {"IMG_01234"}),
        ("place:london", {"IMG_01234"}),
        ("東京", {"東京駅"}),
        ("京駅", {"東京駅"}),
        ("天安门", {"東京駅"}),
        ("天门", set()),
        ("ÉTÉ plage", {"à la plage"}),
        ("camera:nikon", {"red bus"}),
        ("type:raw", {"RedBusLondon"}),
        ("type:png", {"à la plage"}),
        ("in:london", {"red bus"}),
        ("in:/pictures/b", {"RedBusLondon"}),
        ("/pictures/f/sunset beach.jpg", {"sunset beach"}),
        ('"/pictures/f/sunset beach.jpg"', {"sunset beach"}),
        ("tag:bus", {"red bus", "IMG_01234"}),
        ("name:bus", {"red bus", "RedBusLondon"}),
        ("after:2019 before:2021", {"IMG_01234"}),
        ("since:2019 until:2020", {"RedBusLondon", "IMG_01234"}),
        ('date:"summer 2018"', {"sunset beach"}),
        ("bus -2019", {"IMG_01234"}),
        ("bus -christmas", {"red bus", "IMG_01234"}),
        ("beach -2018-07", set()),
        ('jpg -"july 2018"', {"red bus", "IMG_01234", "東京駅", "\udcff"}),
        ("-after:2019 since:2019", {"RedBusLondon"}),
        ("-before:2020 until:2020", {"IMG_01234"}),
        ("-since:2020 since:2019", {"RedBusLondon"}),
        ("-until:2019 until:2020", {"IMG_01234"}),
        ("bus -date:2019", {"red bus", "IMG_01234"}),
        ("1999", {"\udcff"}),
        ("bus*", {"red bus", "RedBusLondon", "IMG_01234"}),
        ("sunste", {"sunset beach"}),
        ("beeches", set()),
        ("beachs", {"sunset beach"}),
    ],
)
def test_what_words_find(asked: Asked, text: str, expected: set[str]) -> None:
    assert names(ask(*asked, text)) == expected


def test_a_hit_says_what_it_was_found_by(asked: Asked) -> None:
    (hit,) = ask(*asked, "minibus place:London 2020").hits
    assert hit.found_by == ("tag minibus", "place London", "date 2020")
    (hit,) = ask(*asked, "vehicle").hits
    assert hit.found_by == ("tag minibus",)
    answer = ask(*asked, "sunste")
    assert answer.hits[0].found_by == ("name sunset",)
    assert [(one.typed, one.taken) for one in answer.corrections] == [("sunste", ("sunset",))]


def test_the_last_word_may_be_the_beginning_of_one(asked: Asked) -> None:
    assert names(ask(*asked, "beach sun", as_typed=True)) == {"sunset beach"}
    assert not ask(*asked, "beach sun ", as_typed=True).corrections
    assert names(ask(*asked, "beach sun")) == set()


def test_one_of_the_words_may_be_enough(asked: Asked) -> None:
    assert not ask(*asked, "beach oma").hits
    found = ask(*asked, "beach oma", any_word=True)
    assert names(found) == {"sunset beach", "RedBusLondon"}


def test_limits_of_a_page(asked: Asked) -> None:
    assert ask(*asked, "jpg", limit=2).total == 5
    assert [hit.rank for hit in ask(*asked, "jpg", limit=2, offset=2).hits] == [3, 4]
    assert names(ask(*asked, "jpg", folder="/pictures/c")) == {"IMG_01234"}
    assert names(ask(*asked, "jpg", since="2020", until="2020")) == {"IMG_01234"}
    assert names(ask(*asked, "jpg", tags=("minibus",))) == {"IMG_01234"}


def test_a_tag_limits_an_answer_even_where_one_word_is_enough(asked: Asked) -> None:
    for text in ("img beach", "img", "2020 beach"):
        answer = ask(*asked, text, any_word=True, tags=("bus",))
        assert names(answer) == {"IMG_01234"}, text
    assert names(ask(*asked, "london bus", any_word=True, tags=("bus", "vehicle"))) == {"IMG_01234"}
    assert not ask(*asked, "img beach", any_word=True, tags=("!",)).hits


def test_what_photos_show_joins_what_is_written(asked: Asked) -> None:
    index, library = asked
    ids = {Path(one.path).stem: one.id for one in library.select()}
    questions: list[tuple[str, set[int] | None, bool]] = []

    def shown(words: str, where: Filter, among: set[int] | None, *, waits: bool) -> Shown:
        questions.append((words, among, waits))
        found = {ids["sunset beach"]: 0.9, ids["RedBusLondon"]: 0.6}
        return Shown(found, ("clip@1",), notes=("it is slow",))

    def found(text: str, **limits: object) -> SearchAnswer:
        return search(index, library, text, Limits(**limits), TODAY, shown)  # type: ignore[arg-type]

    answer = found("red bus")
    # What both find comes first.
    assert [Path(hit.path).stem for hit in answer.hits] == [
        "RedBusLondon",
        "red bus",
        "sunset beach",
    ]
    assert [hit.found_by[-1] for hit in answer.hits] == [
        "what it shows",
        "keyword bus",
        "what it shows",
    ]
    assert [hit.shows for hit in answer.hits] == [0.6, None, 0.9]
    assert (answer.total, answer.compared_by, answer.notes) == (3, ("clip@1",), ("it is slow",))
    assert [hit.rank for hit in found("red bus", limit=1, offset=1).hits] == [2]
    found("bus 2019", as_typed=True)
    found('sunst camera:canon -"x"')
    found('"red bus" 2019')
    found("bus", tags=("minibus",))
    in_2019 = {ids["red bus"], ids["RedBusLondon"]}
    assert questions == [
        ("red bus", None, True),
        ("red bus", None, True),
        ("bus", in_2019, False),
        ("sunset", {ids["sunset beach"]}, True),
        ("bus", {ids["IMG_01234"]}, True),
    ]


@pytest.mark.parametrize(
    ("tag", "taken"),
    [
        ("dog", ()),
        ("dogs", ()),
        ("puppy", ("dog",)),
        ("golden retrievers", ()),
        ("retreiver", ("retriever",)),
    ],
)
def test_a_tag_is_known_in_the_plural_and_by_what_it_is_near_to(
    index: TextIndex, library: MemoryStore, tag: str, taken: tuple[str, ...]
) -> None:
    photos = [photo("h/beach.jpg", {"golden retriever": 0.9}), photo("h/beach dog.jpg")]
    library.commit(photos, "a@1", {one.content: np.ones(2, np.float32) for one in photos})
    index.update(library)
    answer = ask(index, library, "beach", tags=(tag,))
    assert names(answer) == {"beach"}
    assert [one.taken for one in answer.corrections] == ([taken] if taken else [])


@pytest.mark.parametrize(
    "text",
    ["", " ", '"', '""', "-", "--", "*", "**", "camera:", 'tag:"', "-tag:", "AND", "NOT bus", "OR",
     "NEAR(red bus)", "{name} : x", "'; DROP TABLE words; --", "(a|b)+.*[x", "^red", "a" * 4096,
     "red " * 1000, "\\", "%", "red\nbus", "\u202e", "x:y:z", "-" * 100, "1" * 300, "a***"],
)  # fmt: skip
def test_whatever_is_typed_is_answered(asked: Asked, text: str) -> None:
    for as_typed in (False, True):
        assert ask(*asked, text, as_typed=as_typed).photos == len(PHOTOS)


def test_random_texts_are_answered(asked: Asked) -> None:
    draw = random.Random(1)
    parts = [
        '"',
        "-",
        "*",
        ":",
        "camera:",
        "after",
        "2019",
        " ",
        "bus",
        "(",
        ")",
        "東",
        "🎄",
        "'",
        "\\",
    ]
    for _ in range(100):
        ask(*asked, "".join(draw.choices(parts, k=9)), any_word=draw.random() < 0.5)


def test_what_cannot_be_meant_is_refused_with_a_hint(asked: Asked) -> None:
    with pytest.raises(RequestError, match="after:soon is no time"):
        ask(*asked, "after:soon")
    answer = ask(*asked, "bus after:soon", as_typed=True)
    assert "red bus" in names(answer)
    assert answer.notes[0].startswith("after:soon is no time")
    with pytest.raises(RequestError, match="comes again"):
        ask(*asked, "before:may")
    for text in ("after:easter", "since:thanksgiving", "-until:easter"):
        with pytest.raises(RequestError, match="comes again"):
            ask(*asked, text)
    for text in ("after:2019-13", "date:2019-00", "before:13/2019"):
        with pytest.raises(RequestError, match="is no time"):
            ask(*asked, text)
    with pytest.raises(RequestError, match="longer than"):
        ask(*asked, "a" * 10_000)


def test_a_tag_that_stands_elsewhere_is_still_nearest_to_another(
    index: TextIndex, library: MemoryStore
) -> None:
    photos = [photo("g/1.jpg", caption="our puppy"), photo("g/2.jpg", {"beagle": 0.9})]
    library.commit(photos, "a@1", {one.content: np.ones(2, np.float32) for one in photos})
    index.update(library)
    assert names(ask(index, library, "jpg", tags=("puppy",))) == {"2"}
    answer = ask(index, library, "tag:puppies")
    assert names(answer) == {"2"}
    assert [one.taken for one in answer.corrections] == [("dog",)]
    assert names(ask(index, library, "puppy")) == {"1"}
    library.commit([photo("g/3.jpg", keywords=("Puppy",))])
    index.update(library)
    for text in ("tag:puppy", "tag:puppies"):
        assert names(ask(index, library, text)) == {"3"}


def test_what_a_person_said_counts_most(index: TextIndex, library: MemoryStore) -> None:
    photos = [photo("h/1.jpg", {"beagle": 1.0}), photo("h/2.jpg"), photo("h/3.jpg")]
    library.commit(photos, "a@1", {one.content: np.ones(2, np.float32) for one in photos})
    library.judge_tags(
        [TagJudgement(photos[n].content, name, is_right=True)
         for n, name in ((1, "beagle"), (2, "Rex"), (2, "dog"))]
    )  # fmt: skip
    index.update(library)
    found = [(Path(hit.path).stem, hit.found_by) for hit in ask(index, library, "beagle").hits]
    assert found == [("2", ("keyword beagle",)), ("1", ("tag beagle",))]
    found = [(Path(hit.path).stem, hit.found_by) for hit in ask(index, library, "dog").hits]
    assert found[0] == ("3", ("keyword dog",))
    assert {*found[1:]} == {("1", ("tag beagle",)), ("2", ("tag beagle",))}
    assert names(ask(index, library, "keyword:rex")) == {"3"}
    assert names(ask(index, library, "keyword:dog")) == {"3"}


# The file.


def test_only_what_changed_is_written(index: TextIndex, library: MemoryStore) -> None:
    assert index.is_current(library)
    assert index.update(library) == 0
    (known,) = library.by_path(["/pictures/f/sunset beach.jpg"]).values()
    library.commit(
        [photo("f/sunset beach.jpg", id=known.id, caption="Rügen"), photo("new/cat.jpg")]
    )
    assert not index.is_current(library)
    assert index.update(library) == 2
    assert names(ask(index, library, "rugen")) == {"sunset beach"}
    assert not ask(index, library, "canon").hits
    library.remove([known])
    assert index.update(library) == 1
    assert not ask(index, library, "rugen").hits
    assert names(ask(index, library, "cat")) == {"cat"}


def test_only_photos_that_changed_are_looked_at_where_the_engine_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedStore(Home(tmp_path / "home"), writable=True) as library:
        library.put_folder(Folder("/pictures", added=0.0))
        space = library.open_space("a", "1", 2).id
        embedding = np.ones(2, np.float32)
        library.commit(PHOTOS, space, {one.content: embedding for one in PHOTOS})
        index = new_index(tmp_path, library)
        looked_at: list[str] = []
        known = text_index.digest
        monkeypatch.setattr(
            text_index, "digest", lambda one, root: looked_at.append(one.path) or known(one, root)
        )

        def updated() -> list[str]:
            looked_at.clear()
            index.update(library)
            assert index.is_current(library)
            return [path.removeprefix("/pictures/") for path in looked_at]

        new = photo("new/cat.jpg")
        (added,) = library.commit([new], space, {new.content: embedding})
        assert updated() == ["new/cat.jpg"]
        assert names(ask(index, library, "cat")) == {"cat"}
        library.judge_tags([TagJudgement(added.content, "tiger", True, 1.0)])
        assert updated() == ["new/cat.jpg"]
        assert names(ask(index, library, "tag:tiger")) == {"cat"}
        library.forget_tag_judgements([TagJudgement(added.content, "tiger", True, 1.0)])
        assert updated() == ["new/cat.jpg"]
        assert not ask(index, library, "tag:tiger").hits
        library.remove([added])
        assert updated() == []
        assert not ask(index, library, "cat").hits
        library.put_folder(Folder("/pictures/f", added=1.0))
        assert len(updated()) == len(PHOTOS)  # The folder of each counts.
        # Another process wrote to the file: what it left is not known.
        library.commit([new], space, {new.content: embedding})
        other = TextIndex(index.path, places)
        other.update(library)
        (again,) = library.by_path([new.path]).values()
        library.commit([replace(again, caption="Mogli")])
        assert len(updated()) == len(PHOTOS) + 1
        assert names(ask(index, library, "mogli")) == {"cat"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_the_file_is_private(index: TextIndex) -> None:
    files = [*index.path.parent.iterdir()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("damage", ["text", "zeros", "middle", "schema", "gone", "older", "empty"])
def test_a_damaged_file_is_made_again(index: TextIndex, library: MemoryStore, damage: str) -> None:
    index.close()
    if damage == "older":
        with sqlite3.connect(index.path) as connection:
            connection.execute("UPDATE meta SET value = '0' WHERE name = 'format'")
        connection.close()
    elif damage == "gone":
        index.path.unlink()
    else:
        data = index.path.read_bytes()
        middle = data[:4096] + b"\xa5" * (len(data) - 4096)
        schema = data[:44] + b"\xa5" * 4 + data[48:]  # The number of its format.
        index.path.write_bytes({"text": b"no database", "zeros": bytes(len(data)), "empty": b"",
                                "middle": middle, "schema": schema}[damage])  # fmt: skip
    if damage != "gone":
        assert is_sound(index.path) == (damage in ("older", "empty"))
    with suppress(LibraryError):  # It was found damaged just now.
        ask(index, library, "bus")
    index.update(library)
    assert names(ask(index, library, "red bus")) == {"red bus", "RedBusLondon"}


def test_a_file_that_cannot_be_looked_at_is_not_taken_for_damaged(
    index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.close()
    monkeypatch.setattr(text_file, "BUSY_SECONDS", 0.0)
    for path in (index.path.parent, index.path.with_name("gone")):
        with pytest.raises(LibraryError, match="cannot be used"):
            is_sound(path)
    holder = sqlite3.connect(index.path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LibraryError, match="another process holds the text index"):
        is_sound(index.path)
    holder.close()
    assert is_sound(index.path)


def test_two_processes_may_update_at_the_same_time(
    index: TextIndex, library: MemoryStore, tmp_path: Path
) -> None:
    library.commit([photo(f"h/{number}.jpg") for number in range(5)])
    other = TextIndex(index.path, places)
    assert index.update(library, progress=lambda progress: other.update(library) and None) == 5
    assert ask(index, library, "in:h").total == 5
    assert index.count == library.counts().photos
    assert index.is_current(library)


def test_tables_that_another_process_made_just_now_stay(
    index: TextIndex, library: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.remove()
    other = TextIndex(index.path, places)
    make = text_index.make_tables

    def make_later(writer: sqlite3.Connection) -> None:
        monkeypatch.undo()
        other.update(library)
        make(writer)

    monkeypatch.setattr(text_index, "make_tables", make_later)
    assert index.update(library) == 0
    assert index.count == len(PHOTOS)


def test_an_update_that_is_stopped_goes_on_later(
    index: TextIndex, library: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "BATCH", 10)
    library.commit([photo(f"h/{number}.jpg") for number in range(25)])
    stops = iter([False, False, True])
    assert 0 < index.update(library, stopped=lambda: next(stops, True)) < 25
    assert not index.is_current(library)
    assert index.update(library) > 0
    assert ask(index, library, "in:h").total == 25


def test_a_disk_that_refuses_is_told_of_and_what_is_there_answers(
    index: TextIndex, library: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.commit([photo(f"h/{number}.jpg", caption="x " * 4000) for number in range(30)])
    connect = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(LibraryError, match="is full"):
        index.update(library)
    monkeypatch.undo()
    answer = ask(index, library, "red bus")
    assert names(answer) == {"red bus", "RedBusLondon"}
    assert not answer.is_current
    assert index.update(library) == 30
