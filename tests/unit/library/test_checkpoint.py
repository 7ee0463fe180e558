"""A checkpoint spares reading the journal, and is never believed more than it."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from photofind.library.embedded import journal
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.checkpoint import Checkpoint
from photofind.library.embedded.records import StoredSpace
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, Retry

WHEN_AND_WHERE = [
    Filter(),
    Filter(folder="/photos"),
    Filter(folder="/photos/0.jpg"),
    Filter(since="2003"),
    Filter(until="2003-05"),
    Filter(since="2003-05-06", until="2004"),
    Filter(folder="/photos/deep", since="2003-05-06T09"),
    Filter(since="y"),
    Filter(since="", until=""),
]
SPACE = StoredSpace("mobilenet", "1", 4, rows=1000)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are written whenever there is something to keep."""
    monkeypatch.setattr(journal, "SMALL", 1)
    monkeypatch.setattr(journal, "GROWTH", 0.0)


@pytest.fixture
def path(tmp_path: Path, always: None) -> Path:
    return tmp_path / "catalog"


def opened(path: Path, *, writable: bool = True) -> Catalog:
    return Catalog(path, writable=writable, checkpoint=path.with_name("checkpoint"))


def close(catalog: Catalog) -> None:
    catalog.keep_checkpoint(now=True)
    catalog.storage.close()


def photo(number: int, **others: object) -> Photo:
    folder = ["/photos", "/photos/deep/er", "/photosgraphs"][number % 3]
    return Photo(f"{folder}/{number}.jpg", size=1, modified=1, inode=1, **others)  # type: ignore[arg-type]


def put(catalog: Catalog, *numbers: int) -> None:
    with catalog.storage.transaction():
        for number in numbers:
            catalog.put_photo(photo(number, content=f"c{number}"), {SPACE.id: number})


def what_is_known(catalog: Catalog) -> object:
    """Return all that can be asked of a catalog."""
    photos = [*catalog.select()]
    paths, contents = [one.photo.path for one in photos], [one.photo.content for one in photos]
    rows = np.arange(SPACE.rows)
    filters = [Filter(failed=True), Filter(refused=True), Filter(noted=True), Filter(unmarked=True)]
    below = [
        Filter(folder=folder, failed=failed)
        for folder in ("/photos", "/photos/deep", "/", "/photos/0.jpg", "/none")
        for failed in (None, True, False)
    ]
    for where in below:
        assert catalog.count(where) == len([*catalog.select(where)])
    for where in WHEN_AND_WHERE:
        decoded = [record.rows.get(SPACE.id) for record in catalog.select(where)]
        expected = sorted(row for row in decoded if row is not None)
        assert sorted(catalog.rows(SPACE.id, where).tolist()) == expected
    marked = {one.photo.content: one.photo.fingerprint for one in photos if one.photo.fingerprint}
    assert catalog.fingerprints([*contents, "none"]) == marked
    return (
        photos,
        catalog.by_path([*paths, "/photos/none.jpg"]),
        catalog.by_content([*contents, "none"]),
        catalog.counts(),
        [catalog.count(where) for where in filters],
        catalog.space_counts(SPACE.id),
        catalog.references(SPACE).tolist(),
        catalog.contents(SPACE.id).contents(rows),
        catalog.contents(SPACE.id).digests(rows).tolist(),
        catalog.spaces(),
        catalog.folders(),
        catalog.told_apart(),
        catalog.odd,
        catalog.storage.revision,
        catalog.storage.damage,
    )


def read_whole(path: Path) -> object:
    return what_is_known(Catalog(path))


def resumed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that tells of each checkpoint from now on whether it was used."""
    seen: list[bool] = []
    fits = Checkpoint.fits

    def watched(checkpoint: Checkpoint, file: object) -> bool:
        seen.append(fits(checkpoint, file))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(Checkpoint, "fits", watched)
    return seen


def put_with(chance: random.Random) -> dict[str, object]:
    content = f"c{chance.randrange(9)}"
    usual = "1" + base64.b64encode(content.encode() * 20)[:44].decode()
    return {
        "content": content,
        "note": chance.choice([None, "odd"]),
        "captured": chance.choice([None, "2003-05-06T10:00:00", "2004", "x\u00e9\udcff", "~"]),
        # Copies of a content have the same, or none: an older photofind made none.
        "fingerprint": chance.choice([None, {"c7": "of c7"}.get(content, usual)]),
    }


def change(catalog: Catalog, chance: random.Random) -> None:
    """Make one of the changes that a library sees."""
    number = chance.randrange(40)
    known = [*catalog.by_path([photo(number).path]).values()]
    kinds = ["remove", "fail", "refuse", "odd", "space", "folder", "apart", "rewrite"]
    kind = chance.choice([*kinds, "put", "put", "put"])
    if kind == "rewrite":
        catalog.storage.compact()
        return
    with catalog.storage.transaction():
        if kind == "remove":
            catalog.remove_photos([record.photo.id for record in known])
        elif kind == "odd":
            catalog.storage.change("photos", {1000 + number: chance.choice([b"[]", b'{"a":1}'])})
        elif kind == "space":
            catalog.put_space(SPACE)
        elif kind == "folder":
            catalog.put_folder(Folder(f"/photos/{number}", added=1.0))
        elif kind == "apart":
            catalog.tell_apart([("a", f"b{number}")])
        else:
            others = {
                "put": put_with(chance),
                "fail": {"failure": "broken", "retry": Retry(1, 2)},
                "refuse": {"content": "r", "refusals": {SPACE.id: "no"}},
            }[kind]
            identifier = known[0].photo.id if known else 0
            content = str(others.get("content", ""))
            rows = {SPACE.id: int(content[1:])} if content[1:] else {}
            catalog.put_photo(photo(number, id=identifier, **others), rows)


@pytest.mark.parametrize("seed", range(3))
def test_going_on_from_a_checkpoint_knows_what_reading_all_does(
    path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, seen = random.Random(seed), resumed(monkeypatch)
    for _ in range(8):
        catalog = opened(path)
        for _ in range(chance.randrange(12)):
            change(catalog, chance)
        if chance.random() < 0.5:
            catalog.keep_checkpoint()
        for _ in range(chance.randrange(6)):
            change(catalog, chance)
        expected = read_whole(path)
        assert what_is_known(catalog) == expected
        catalog.storage.close()
        assert what_is_known(opened(path, writable=False)) == expected
    assert any(seen)


def test_only_what_came_since_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = opened(path)
    put(catalog, *range(100))
    catalog.keep_checkpoint()
    put(catalog, 100)
    catalog.storage.close()
    seen = resumed(monkeypatch)
    told = []
    again = journal.JournalStorage(path, writable=False, checkpoint=path.with_name("checkpoint"))
    again.follow(told.extend, resume=lambda checkpoint: True)
    assert seen == [True]
    assert [change.table for change in told] == ["photos"]
    assert len(again.documents("photos")) == 101


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_is_as_good_as_none(path: Path, harm: Callable[[Path], None]) -> None:
    catalog = opened(path)
    put(catalog, *range(50))
    close(catalog)
    harm(path.with_name("checkpoint"))
    again = opened(path)
    assert again.storage.damage is None
    assert what_is_known(again) == read_whole(path)


@pytest.mark.parametrize("harm", [flip, cut])
def test_damage_of_the_journal_is_found_and_told_though_there_is_a_checkpoint(
    path: Path, harm: Callable[[Path], None]
) -> None:
    catalog = opened(path)
    for number in range(50):
        put(catalog, number)
    close(catalog)
    harm(path)
    expected = Catalog(path)
    reader = opened(path, writable=False)
    assert reader.storage.damage == expected.storage.damage
    assert what_is_known(reader) == what_is_known(expected)
    writer = opened(path)
    assert bool(writer.storage.damage) == (harm is flip)
    assert writer.counts().photos == 49
    put(writer, 60)
    close(writer)
    assert what_is_known(opened(path)) == read_whole(path)


@pytest.mark.parametrize("harm", [flip, cut])
def test_damage_behind_a_checkpoint_costs_what_it_would_without(
    path: Path, harm: Callable[[Path], None]
) -> None:
    catalog = opened(path)
    put(catalog, 0)
    close(catalog)
    writer = opened(path)
    for number in range(1, 50):
        put(writer, number)
    writer.storage.close()
    harm(path)
    expected = Catalog(path)
    assert what_is_known(opened(path, writable=False)) == what_is_known(expected)
    writer = opened(path)
    assert bool(writer.storage.damage) == (harm is flip)
    assert [*writer.select()] == [*expected.select()]
    put(writer, 60)
    close(writer)
    assert what_is_known(opened(path)) == read_whole(path)


def test_another_journal_is_read_for_itself(path: Path) -> None:
    catalog = opened(path)
    put(catalog, *range(10))
    older = path.read_bytes()
    put(catalog, *range(10, 20))
    close(catalog)
    path.write_bytes(older)
    assert opened(path, writable=False).counts().photos == 10
    path.write_bytes(older.replace(b"/photos/3.jpg", b"/photos/x.jpg"))
    assert opened(path, writable=False).storage.damage


def test_what_an_exception_kept_from_being_known_is_not_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = opened(path)
    put(catalog, 1)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(catalog._known, "follow", interrupt)
        with pytest.raises(KeyboardInterrupt):
            put(catalog, 2)
    put(catalog, 3)
    close(catalog)
    assert not path.with_name("checkpoint").exists()
    assert what_is_known(opened(path)) == read_whole(path)


def test_a_small_or_hardly_changed_journal_needs_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = path.with_name("checkpoint")
    monkeypatch.setattr(journal, "SMALL", 5000)
    monkeypatch.setattr(journal, "GROWTH", 0.5)
    catalog = opened(path)
    put(catalog, 1)
    close(catalog)
    assert not checkpoint.exists()
    catalog = opened(path)
    put(catalog, *range(2, 200))
    catalog.keep_checkpoint()
    written = checkpoint.stat().st_mtime_ns
    put(catalog, 200)
    catalog.keep_checkpoint()
    assert checkpoint.stat().st_mtime_ns == written


def test_a_checkpoint_of_another_photofind_is_not_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = opened(path)
    put(catalog, *range(10))
    close(catalog)
    monkeypatch.setattr("photofind.library.embedded.known_photos._KEPT", 0)
    assert what_is_known(opened(path)) == read_whole(path)
