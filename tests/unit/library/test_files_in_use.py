"""What the writer of a library does when others remove, cut or replace its files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from photofind.errors import DamagedError, LibraryError, LockedError
from photofind.library.embedded.store import EmbeddedStore
from photofind.model.records import Folder, Photo
from photofind.paths import Home

SPACE = "mobilenet@1"
DIMENSION = 8


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(home, writable=True) as store:
        store.open_space("mobilenet", "1", DIMENSION)
        store.put_folder(Folder("/photos", added=0))
        put(store, "abc")
        yield store


def vector(name: str) -> np.ndarray:
    return np.full(DIMENSION, ord(name), np.float32)


def put(store: EmbeddedStore, names: str) -> None:
    photos = [Photo(f"/photos/{name}.jpg", content=name) for name in names]
    store.commit(photos, SPACE, {name: vector(name) for name in names})


def names(store: EmbeddedStore) -> str:
    return "".join(sorted(photo.content for photo in store.select()))


def embedded(store: EmbeddedStore) -> str:
    """The names of the photos that have an embedding, each its own."""
    known = names(store)
    has, vectors = store.embeddings(SPACE, list(known))
    for name, found in zip(np.array(list(known))[has], vectors[has], strict=True):
        assert np.array_equal(found, vector(name))
    return "".join(np.array(list(known))[has])


def vectors_file(home: Home) -> Path:
    return home.spaces / SPACE / "vectors-1"


def replaced(path: Path, data: bytes) -> None:
    """Put another file in the place of one, as rsync does."""
    new = path.with_name("restored")
    new.write_bytes(data)
    new.replace(path)


# The catalog.


@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda path: replaced(path, b""),
        lambda path: replaced(path, b"no catalog"),
    ],
    ids=["removed", "emptied", "garbage"],
)
def test_a_catalog_that_is_removed_is_written_anew(
    home: Home, store: EmbeddedStore, harm: Callable[[Path], None]
) -> None:
    harm(home.catalog)
    put(store, "d")
    assert embedded(store) == "abcd"
    assert [folder.path for folder in store.folders()] == ["/photos"]
    (problem,) = store.problems
    assert "catalog was removed or damaged while it was in use; it was written anew" in problem
    assert embedded(EmbeddedStore(home)) == "abcd"


@pytest.mark.parametrize("put_back", [replaced, Path.write_bytes], ids=["replaced", "overwritten"])
def test_an_older_catalog_that_is_put_back_is_read_whole(
    home: Home, store: EmbeddedStore, put_back: Callable[[Path, bytes], object]
) -> None:
    older = home.catalog.read_bytes()
    put(store, "defg")
    version = store.version
    put_back(home.catalog, older)
    assert store.refresh()
    assert store.version > version
    assert embedded(store) == "abc"
    assert "was replaced, cut or written over while it was in use" in store.problems[0]
    put(store, "xyz")
    assert embedded(store) == embedded(EmbeddedStore(home)) == "abcxyz"
    assert store.verify() == 0


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_catalog_that_is_cut_keeps_its_folders(
    home: Home, store: EmbeddedStore, share: float
) -> None:
    os.truncate(home.catalog, int(share * home.catalog.stat().st_size))
    put(store, "d")
    assert "cut" in store.problems[0]
    assert [folder.path for folder in store.folders()] == ["/photos"]
    put(store, "abc")
    assert embedded(store) == embedded(EmbeddedStore(home)) == "abcd"
    assert store.verify() == 0


def test_a_home_that_is_gone_is_not_written_again(home: Home, store: EmbeddedStore) -> None:
    shutil.rmtree(home.root)
    with pytest.raises(LibraryError):
        put(store, "d")
    assert not home.catalog.exists()


# The lock.


def test_a_lock_that_is_removed_is_taken_again(home: Home, store: EmbeddedStore) -> None:
    home.lock.unlink()
    store.refresh()
    with pytest.raises(LockedError):
        EmbeddedStore(home, writable=True)
    put(store, "d")
    assert embedded(store) == "abcd"


def test_there_are_never_two_writers(home: Home, store: EmbeddedStore) -> None:
    home.lock.unlink()
    with EmbeddedStore(home, writable=True) as second:
        with pytest.raises(LockedError, match="another photofind is writing"):
            put(store, "d")
        put(second, "e")
    put(store, "f")
    assert embedded(store) == embedded(EmbeddedStore(home)) == "abcef"


# The vectors.


@pytest.mark.parametrize(
    "harm",
    [Path.unlink, lambda path: replaced(path, path.read_bytes()[:100])],
    ids=["removed", "replaced"],
)
def test_vectors_that_are_removed_are_written_anew(
    home: Home, store: EmbeddedStore, harm: Callable[[Path], None]
) -> None:
    assert store.verify() == 0
    harm(vectors_file(home))
    put(store, "d")
    assert embedded(store) == embedded(EmbeddedStore(home)) == "abcd"
    assert "vectors-1 was removed, cut or replaced while it was in use" in store.problems[0]
    assert store.verify() == 0


@pytest.mark.parametrize("left", [0, 64, 64 + 20 + 3])
def test_vectors_that_are_cut_are_not_written_on(
    home: Home, store: EmbeddedStore, left: int
) -> None:
    os.truncate(vectors_file(home), left)
    with pytest.raises(DamagedError, match="of 3 vectors"):
        store.embeddings(SPACE, ["c"])
    assert store.verify(changed_only=True) == 3 - (left > 80)
    put(store, "d")
    assert embedded(store) == ("ad" if left > 80 else "d")
    put(store, "abc")
    assert embedded(store) == embedded(EmbeddedStore(home)) == "abcd"


def test_vectors_that_others_write_over_are_noticed_without_reading_all(
    home: Home, store: EmbeddedStore
) -> None:
    assert store.verify() == 0
    put(store, "d")
    assert store.verify(changed_only=True) == 0
    with vectors_file(home).open("r+b") as file:
        file.seek(64 + 5)
        file.write(b"garbage")
    os.utime(vectors_file(home), (1, 1))  # All this may be in one tick of the clock.
    assert store.verify(changed_only=True) == 1
    assert embedded(store) == "bcd"
    assert store.verify(changed_only=True) == 0
