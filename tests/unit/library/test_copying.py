"""A library moves between stores whole, whatever the engines, and goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from photofind.app import store_copy
from photofind.app.store_copy import copy_store, verify_copy
from photofind.cli import main
from photofind.errors import LibraryError, LockedError
from photofind.library import copying
from photofind.library.copying import copy_library, is_empty
from photofind.library.memory import Memory, MemoryStore
from photofind.library.stores import open_store
from photofind.model.judgements import Asked, Judgement, TagJudgement
from photofind.model.records import Folder, Photo, Retry, pair_of
from photofind.paths import Home
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection
from photofind.ranking.smoothing import smooth

DIMENSION = 16
FIRST, SECOND = "mobilenet@1", "clip@2"
COUNT = 150


def _fill(store):
    """Put into a store whatever the protocol of stores holds."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(12, DIMENSION))
    contents = [f"{place:08x}" for place in range(COUNT)]
    vectors = {
        content: (0.5 + centres[place % 12] + 0.3 * random.normal(size=DIMENSION)).astype("f4")
        for place, content in enumerate(contents)
    }
    for place in range(5):  # These are repeats.
        vectors[contents[100 + place]] = vectors[contents[place]]
    store.put_folder(Folder("/photos", 1.5, scanned=2.5, excludes=("*.gif",)))
    store.put_folder(Folder("/card", 2.0, "offline", ("/card",), reason="away",
                            volumes={"/card": "1234-ABCD"}))  # fmt: skip
    store.open_space("mobilenet", "1", DIMENSION, "build 3")
    store.open_space("clip", "2", DIMENSION)
    photos = [
        Photo(f"/photos/{content}.jpg", 9, 8, 7, content, width=6, height=5, format="JPEG",
              captured="2021-05-01T00:00:00", keywords=("beach",), latitude=1.5, longitude=2.5,
              tags={FIRST: {"cat": 0.75}, SECOND: {"dog": 0.5}}, changed=4, sidecar=3)
        for content in contents
    ]  # fmt: skip
    store.remove(store.commit([Photo("/photos/removed.jpg", content="removed")]))
    store.commit(photos, FIRST, vectors)
    _build_index(store, contents, vectors)
    half = {content: vectors[content] for content in contents[::2]}
    store.commit([replace(one, id=0) for one in photos[::2]], SECOND, half)
    others = [
        Photo("/photos/copy.jpg", content=contents[0]),
        Photo("/photos/new.jpg", content="fresh", note="cut short"),
        Photo("/card/a.jpg", content=contents[1], away="1234-ABCD"),
        Photo("/card/a.jpg", content="preview~", away="99"),
        Photo("/card/a.jpg", content=contents[2]),
        Photo("/photos/bad.jpg", content="bad", failure="no picture", retry=Retry(2, 99)),
        Photo("/photos/refused.jpg", content="refused", refusals={SECOND: "too dark"}),
        Photo("/photos/\udcff.jpg", content="~small"),
    ]
    late = {one: random.normal(size=DIMENSION).astype("f4") for one in ("fresh", "~small")}
    store.commit(others, FIRST, late)
    store.tell_apart([pair_of(contents[3], contents[4])])
    asked = Asked((contents[0],)), Asked(words="sea", box=(0, 0, 0.5, 0.5))
    store.judge([Judgement(one, contents[5], liked=True, moment=1.0) for one in asked])
    store.judge_tags([TagJudgement(contents[7], "cat", is_right=False, moment=2.0)])


def _build_index(store, contents, vectors):
    stacked = np.stack([vectors[content] for content in contents])
    axes = np.eye(DIMENSION, dtype="f4")[:10]
    projection = Projection(
        stacked.mean(axis=0), axes * np.linspace(1.5, 0.5, 10, dtype="f4")[:, None]
    )
    with store.new_index(FIRST, graph=False) as writer:
        writer.put(contents, projection.project(stacked))
        writer.repeats(contents[100:105])
        points = np.concatenate([near.points for near in writer.neighbours(1)])
        for near in writer.neighbours(8):
            smoothed = smooth(near.points, points[near.others], near.similarities)
            writer.replace(near.contents, smoothed)
        writer.finish()
        writer.publish(projection, Background(0.1, 0.05, 0.4), Background(0.3, 0.06))


def _held(store):
    """Return all that a store holds but ids, times of an index, and the order of spaces."""
    photos = {
        (one.path, one.away): replace(one, id=0, spaces=tuple(sorted(one.spaces)))
        for one in store.select()
    }
    vectors, points, indexed = {}, {}, {}
    for space in (FIRST, SECOND):
        for contents, embeddings in store.scan(space):
            vectors |= {(space, one): tuple(v) for one, v in zip(contents, embeddings, strict=True)}
    if store.index(FIRST):
        names = sorted(name for space, name in vectors if space == FIRST)
        points = dict(zip(names, store.points(FIRST, names)[1].round(3).tolist(), strict=True))
        for contents, repeats in store.indexed(FIRST):
            indexed |= dict(zip(contents, repeats.tolist(), strict=True))
    return {
        "photos": photos,
        "order": [one.path for _, one in sorted((p.id, p) for p in store.select())],
        "folders": [replace(one, id=0) for one in store.folders()],
        "spaces": store.spaces(),
        "vectors": vectors,
        "points": points,
        "indexed": indexed,
        "said": (store.told_apart(), store.judgements(), store.tag_judgements()),
    }


def _differing(left, right):
    return [what for what, held in _held(left).items() if held != _held(right)[what]]


@pytest.fixture(scope="module")
def source():
    store = MemoryStore()
    _fill(store)
    return store


def test_a_library_moves_there_and_back_with_all_it_holds(source, tmp_path, monkeypatch):
    with open_store(Home(tmp_path / "one"), writable=True) as embedded:
        copied = copy_library(source, embedded)
        assert (copied.photos, copied.kept, copied.removed) == (COUNT + 8, 0, 0)
        assert (copied.indexes, copied.left_out) == ((FIRST,), ())
        assert _differing(source, embedded) == []
        index = embedded.index(FIRST)
        assert (index.photos, index.fresh, index.repeats) == (COUNT, 2, 5)
        back = MemoryStore()
        copy_library(embedded, back)
        assert _differing(source, back) == []
        monkeypatch.setattr(store_copy, "_QUERIES", 8)
        answers = verify_copy(embedded, back)
        assert answers.same == answers.queries == 2 * 8
        assert answers.hits == answers.same_hits == 10 * answers.queries


@pytest.mark.parametrize("stops", [1, 3, 4])
def test_an_interrupted_copy_goes_on_where_it_stopped(source, monkeypatch, stops):
    monkeypatch.setattr(copying, "BATCH", 64)
    memory = Memory()

    def interrupt(progress):
        nonlocal stops
        stops -= 1
        if stops == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_library(source, MemoryStore(memory), interrupt)
    before = MemoryStore(memory)
    assert not is_empty(before)
    there = before.counts().photos
    copied = copy_library(source, before)
    assert (copied.kept, copied.kept + copied.photos) == (there, COUNT + 8)
    assert _differing(source, before) == []
    again = copy_library(source, before)
    assert (again.photos, again.embeddings, again.kept) == (0, 0, COUNT + 8)


def test_what_changed_meanwhile_is_copied_too():
    memory, target = Memory(), MemoryStore()
    writer = MemoryStore(memory)
    _fill(writer)
    changes = [
        lambda: writer.remove(writer.by_path(["/photos/new.jpg"]).values()),
        lambda: writer.commit([replace(writer.by_path(["/photos/copy.jpg"])["/photos/copy.jpg"],
                                       path="/photos/moved.jpg")]),
    ]  # fmt: skip

    def change(progress):
        if changes and progress.phase == "copying indexes":
            while changes:
                changes.pop()()

    reader = MemoryStore(memory)
    copied = copy_library(reader, target, change)
    assert copied.removed == 2
    assert _differing(reader, target) == ["order"]  # What was moved comes last.

    def go_on_changing(progress):
        writer.put_folder(Folder("/more", 1.0))

    with pytest.raises(LockedError, match="goes on changing"):
        copy_library(reader, target, go_on_changing)


def test_a_copy_that_differs_is_told(source, monkeypatch):
    target = MemoryStore()
    copy_library(source, target)
    (content,) = source.sample(FIRST, 1)[0]
    monkeypatch.setattr(store_copy, "_QUERIES", 1)
    photo = target.by_content([content])[content][0]
    target.commit([replace(photo, camera="other")])
    with pytest.raises(LibraryError, match=f"it has {photo.path} otherwise"):
        verify_copy(source, target)
    target.remove([photo])
    with pytest.raises(LibraryError, match="its photos differ"):
        verify_copy(source, target)


def test_homes_are_copied_to_empty_ones_alone(source, tmp_path, monkeypatch):
    here, there = Home(tmp_path / "here"), f"embedded://{tmp_path / 'there'}"
    monkeypatch.setattr(store_copy, "_QUERIES", 4)
    with pytest.raises(LibraryError, match="there is no library in"):
        copy_store(here, "embedded", there)
    with open_store(here, writable=True) as library:
        with pytest.raises(LockedError):
            copy_store(here, "embedded", there)
        with pytest.raises(LibraryError, match="the same library"):
            copy_store(here, "embedded", f"embedded://{here.root}")
        copy_library(source, library)

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(here, "embedded", there, interrupt)
    copied = copy_store(here, "embedded", there)
    assert (copied.photos, copied.kept) == (COUNT + 8, COUNT + 8)
    assert copied.answers.same == copied.answers.queries > 0
    assert not [*here.root.glob("copy-*")]
    with pytest.raises(LibraryError, match="is not empty"):
        copy_store(here, "embedded", there)
    monkeypatch.setattr(store_copy, "is_held", lambda path: True)
    with pytest.raises(LockedError, match="photofind daemon stop"):
        copy_store(here, there, "embedded")


def test_the_command_says_how_the_copy_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path / "here"))
    with open_store(Home(tmp_path / "here"), writable=True) as library:
        library.put_folder(Folder("/photos", 1.5))
    done = CliRunner().invoke(
        main, ["store", "copy", "embedded", f"embedded://{tmp_path / 'there'}"]
    )
    assert done.exit_code == 0, done.output
    assert f"to use it: set PHOTOFIND_HOME to {tmp_path / 'there'}" in done.stderr
    with open_store(Home(tmp_path / "there")) as copied:
        assert [folder.path for folder in copied.folders()] == ["/photos"]
