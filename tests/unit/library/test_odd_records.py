"""Records of the catalog that make no sense are left out, and the rest works."""

from __future__ import annotations

from pathlib import Path

import pytest

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded import index_files
from photofind.library.embedded.changes import decode
from photofind.library.embedded.index import Index
from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.store import EmbeddedStore
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo
from photofind.paths import Home

DIGITS = b"9" * 40
ODD_PHOTOS = [
    pytest.param(b"[" * 100_000, id="recursion"),
    pytest.param(b'{"path":5}', id="number for a text"),
    pytest.param(b"[1]", id="no object"),
    pytest.param(b"nonsense", id="no JSON"),
    pytest.param(b"{}", id="nothing"),
    pytest.param(b'{"path":"/p/odd.jpg","of_tomorrow":1}', id="unknown field"),
    pytest.param(b'{"path":"/p/odd.jpg","retry":[1]}', id="short retry"),
    pytest.param(b'{"path":"/p/odd.jpg","modified":%b}' % DIGITS, id="giant number"),
    pytest.param(b'{"path":"/p/odd.jpg","width":%b}' % (DIGITS * 200), id="endless number"),
    pytest.param(b'{"path":"/p/odd.jpg","rows":{"m@1":%b}}' % DIGITS, id="giant row"),
    pytest.param(b'{"path":"/p/odd.jpg","rows":{"m@1":-1}}', id="negative row"),
    pytest.param(b'{"path":"/p/odd.jpg","tags":{"m@1":["sea"]}}', id="odd tags"),
    pytest.param(b'{"path":"/p/odd.jpg","keywords":[[]]}', id="odd keywords"),
    pytest.param(b'{"path":"/p/odd.jpg","refusals":{"m@1":0}}', id="odd refusal"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    with EmbeddedStore(home, writable=True) as store:
        store.put_folder(Folder("/p", added=0))
        store.open_space("m", "1", 8)
        store.commit([Photo(f"/p/{name}.jpg", content=name, failure="odd") for name in "ab"])
        store.commit([Photo("/p/c.jpg", content="c", keywords=("sea",))])
    return home


def put_by_hand(home: Home, table: str, raw: bytes) -> None:
    """Put a record into the catalog that photofind would not have written."""
    storage = JournalStorage(home.catalog)
    storage.change(table, {70: raw})
    storage.close()


def look(store: EmbeddedStore) -> None:
    """See that a library has what it had before."""
    assert [photo.path for photo in store.select()] == ["/p/a.jpg", "/p/b.jpg", "/p/c.jpg"]
    assert store.counts().photos == store.count() == store.count(Filter(folder="/p")) == 3
    assert store.count(Filter(failed=True)) == 2
    assert not store.by_path(["/p/odd.jpg"])
    assert not store.by_id([70])
    assert [folder.path for folder in store.folders()] == ["/p"]
    assert [space.id for space in store.spaces()] == ["m@1"]
    assert [tag.name for tag in store.tags()] == ["sea"]
    assert sum(place.photos for place in store.places()) == 1


def check_left_out_and_removed(home: Home) -> None:
    for writable in (False, True):
        with EmbeddedStore(home, writable=writable) as store:
            look(store)
            (problem,) = store.problems
            assert problem.startswith("1 records of the catalog make no sense and are left out")
            states = {one.name: one.state for one in store.check(repair=writable)}
            assert states["catalog"] == ("repaired" if writable else "broken")
            assert store.problems == ([] if writable else [problem])
    with EmbeddedStore(home) as store:
        look(store)
        assert store.problems == []
        assert next(store.check()).state == "ok"


@pytest.mark.parametrize("raw", ODD_PHOTOS)
def test_an_odd_photo_is_left_out(home: Home, raw: bytes) -> None:
    put_by_hand(home, "photos", raw)
    check_left_out_and_removed(home)


@pytest.mark.parametrize(
    "raw",
    [b'{"path":7,"added":0}', b'{"path":"/q"}', b'{"path":"/q","added":0,"new":1}', b"[]"],
)
def test_an_odd_folder_is_left_out(home: Home, raw: bytes) -> None:
    put_by_hand(home, "folders", raw)
    check_left_out_and_removed(home)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"extractor":"x","version":"1","dimension":"8"}',
        b'{"extractor":"x","version":"1","dimension":%b}' % DIGITS,
        b'{"extractor":"x","version":"1"}',
    ],
)
def test_an_odd_space_is_left_out(home: Home, raw: bytes) -> None:
    put_by_hand(home, "spaces", raw)
    check_left_out_and_removed(home)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"contents":["a"],"words":"","box":[],"content":"b","liked":1,"moment":2}',
        b'{"contents":"a","words":"","box":[],"content":"b","liked":true,"moment":2}',
        b'{"contents":["a"],"words":"","box":["x"],"content":"b","liked":true,"moment":2}',
        b'{"contents":["a"],"content":"b","liked":true}',
    ],
)
def test_an_odd_judgement_is_left_out(home: Home, raw: bytes) -> None:
    put_by_hand(home, "judgements", raw)
    check_left_out_and_removed(home)


def test_an_odd_photo_may_become_a_sound_one_and_odd_again(home: Home) -> None:
    with EmbeddedStore(home, writable=True) as store:
        (photo,) = store.commit([Photo("/p/d.jpg", content="d")])
    storage = JournalStorage(home.catalog)
    with EmbeddedStore(home) as reader:
        sound = storage.documents("photos")[photo.id]
        for raw, count in ((b"[]", 3), (sound, 4), (b'{"path":0}', 3)):
            storage.change("photos", {photo.id: raw})
            reader.refresh()
            assert reader.counts().photos == len(list(reader.select())) == count
            assert len(reader.problems) == 4 - count
    storage.close()


def test_what_is_overwritten_while_it_is_read_is_told(home: Home) -> None:
    with EmbeddedStore(home) as reader:
        data = home.catalog.read_bytes()
        with home.catalog.open("r+b") as file:
            file.write(b"x" * len(data))
        with pytest.raises(DamagedError, match="written over while it was in use"):
            list(reader.select())
    with pytest.raises(DamagedError):
        decode(b'{"path":')


def test_a_catalog_of_a_newer_photofind_is_refused(home: Home) -> None:
    data = home.catalog.read_bytes()
    home.catalog.write_bytes(data.replace(b"photofind catalog 1 ", b"photofind catalog 2 ", 1))
    for writable in (False, True):
        with pytest.raises(NewerFormatError, match="newer photofind; upgrade photofind"):
            EmbeddedStore(home, writable=writable)
    assert b"photofind catalog 2 " in home.catalog.read_bytes()


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b"[]", b"5", b'{"format":"x"}', b'{"format":1,"checksum":' + DIGITS]
)
def test_an_odd_manifest_is_damage(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / index_files.MANIFEST).write_bytes(raw)
    with pytest.raises(DamagedError, match=r"index\.json is damaged"):
        Index(tmp_path)


def test_without_descriptors_nothing_is_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(24, "Too many open files", str(path))

    (tmp_path / index_files.MANIFEST).write_bytes(b"{}")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(LibraryError, match="cannot be read at the moment: Too many") as raised:
        Index(tmp_path)
    assert not isinstance(raised.value, DamagedError)
