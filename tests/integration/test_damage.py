"""Damaged files are told of, what is whole is kept, and indexing makes the rest again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Album, photofind

from photofind.app.photofind import PhotoFind
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.paths import Home

SPACE = "spaces/mobilenet@1"
QUERY = "2019/chelsea-original.jpg"


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 3000)


def scribble(path: Path, share: float) -> None:
    """Write over a few bytes, so far into the file."""
    with path.open("r+b") as file:
        file.seek(int(share * path.stat().st_size))
        file.write(b"\0?garbage?\0")


def array(home: Path, name: str) -> Path:
    (folder,) = (home / SPACE).glob("index-*")
    return folder / name


def is_whole(album: Album, home: Path) -> bool:
    """Return whether a library has all photos, answers as the album does, and knows no damage."""
    found = []
    for one in (album.home, home):
        with PhotoFind(Home(one)) as library:
            # Farther down the order may change: the index is fitted anew or grows.
            answer = library.similar(Query((album.path(QUERY),), limit=3, every=True))
            status = library.status()
            found.append(({hit.path for hit in answer.hits}, status.photos, status.failed))
            assert status.problems == ()
            assert status.pending == 0
    return found[0] == found[1]


@pytest.fixture
def copy(album: Album, tmp_path: Path) -> Path:
    """A home of its own, with the album's library."""
    return Path(shutil.copytree(album.home, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        # A tail that looks like an interrupted commit was never promised to anybody.
        pytest.param(lambda home: cut(home / "catalog"), "", id="catalog cut"),
        pytest.param(
            lambda home: scribble(home / "catalog", 0.98), "catalog are damaged", id="catalog tail"
        ),
        pytest.param(
            lambda home: scribble(home / "catalog", 0.5), "catalog are damaged", id="catalog middle"
        ),
        pytest.param(
            lambda home: cut(home / SPACE / "vectors-1"), "vectors-1 is damaged", id="vectors cut"
        ),
        pytest.param(
            lambda home: scribble(home / SPACE / "vectors-1", 0),
            "vectors-1 is damaged",
            id="vectors header",
        ),
        pytest.param(
            lambda home: (home / SPACE / "vectors-1").unlink(),
            "vectors-1 is damaged",
            id="vectors gone",
        ),
        pytest.param(
            lambda home: scribble(array(home, "points.npy"), 0.5),
            "points.npy is damaged: its checksum does not match",
            id="index array",
        ),
        pytest.param(
            lambda home: array(home, "rows.npy").unlink(),
            "rows.npy is damaged: No such file or directory",
            id="index array gone",
        ),
        pytest.param(
            lambda home: scribble(home / SPACE / "index.json", 0.5),
            "index.json is damaged",
            id="index manifest",
        ),
    ],
)
def test_what_is_damaged_is_told_and_made_again(
    album: Album, copy: Path, damage: Callable[[Path], None], told: str
) -> None:
    damage(copy)
    asked = photofind("similar", album.path(QUERY), home=copy)
    assert told in asked.stderr.decode()
    assert asked.code == 0 or "`photofind index`" in asked.notes[-1]
    indexed = photofind("index", home=copy)
    assert indexed.code == 0
    assert told in indexed.stderr.decode()
    assert is_whole(album, copy)


def test_bits_that_fell_in_the_vectors_are_found_by_the_next_indexing(
    album: Album, copy: Path
) -> None:
    scribble(copy / SPACE / "vectors-1", 0.5)
    indexed = photofind("index", home=copy)
    assert "the vectors of 1 photo in mobilenet@1 were damaged" in indexed.stderr.decode()
    assert "1 changed" in indexed.stderr.decode()
    assert is_whole(album, copy)


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_lost_catalog_is_no_new_library(
    album: Album, copy: Path, lose: Callable[[Path], None]
) -> None:
    lose(copy / "catalog")
    for command in (("similar", album.path(QUERY)), ("index",), ("status",)):
        outcome = photofind(*command, home=copy)
        assert (
            "catalog was lost or emptied; add your folders again"
            in (outcome.stdout + outcome.stderr).decode()
        )
    repaired = photofind("doctor", "--repair", home=copy)
    assert (repaired.code, b"broken\tcatalog\t" in repaired.stdout) == (1, True)
    # A daemon opens its spaces whether there are folders or not.
    with open_store(Home(copy), writable=True) as store:
        store.open_space("mobilenet", "1", 1280)
    for command in (("doctor",), ("doctor", "--repair"), ("status",)):
        outcome = photofind(*command, home=copy)
        assert b"catalog was lost" in outcome.stdout + outcome.stderr
    assert photofind("folders", "add", album.photos, home=copy).code == 0
    assert photofind("index", home=copy).code == 0
    assert is_whole(album, copy)


def test_a_damaged_settings_file_is_named(album: Album, copy: Path) -> None:
    (copy / "settings.toml").write_bytes(b"hits = \xff")
    outcome = photofind("similar", album.path(QUERY), home=copy)
    assert outcome.code == 0
    assert outcome.stdout
    assert "settings.toml, line 1: it cannot be read as TOML" in outcome.notes[0]
    assert photofind("doctor", home=copy).code == 1
    outcome = photofind("doctor", "--repair", home=copy)
    assert outcome.code == 0
    assert "settings.toml, line 1: it cannot be read as TOML" in outcome.stdout.decode()
    assert (copy / "settings.toml").read_bytes() == b"# hits = \\udcff\n"
    assert not photofind("status", home=copy).notes
