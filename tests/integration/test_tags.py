"""What an extractor names in photos is kept, and photos are found by it: by each way to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Outcome, environment, photofind
from PIL import Image
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import stop
from photofind.errors import LibraryError
from photofind.images.xmp import xmp_metadata
from photofind.library.stores import open_store
from photofind.model import Query, Tag, TagCount
from photofind.paths import Home
from photofind.settings import set_setting

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"

COLOURS = {"red.png": (250, 5, 0), "green.png": (0, 200, 5), "mixed.png": (130, 100, 5)}


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=":")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (60, 40), colour).save(folder / name)
    exif = Image.Exif()
    exif[0x9C9E] = "Red Dog;beach".encode("utf-16-le") + b"\0\0"  # XPKeywords.
    Image.new("RGB", (60, 40), (20, 3, 250)).save(folder / "blue.jpg", exif=exif.tobytes())
    return folder


@pytest.fixture
def indexed(home: Home, photos: Path) -> Iterator[PhotoFind]:
    set_setting(home.settings, "extractor", "naming")
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(photos))
        photofind.index()
        yield photofind


def names(found: list) -> list[str]:
    return [Path(one.path).name for one in found]


def test_photos_are_found_by_their_tags_and_keywords(indexed: PhotoFind, photos: Path) -> None:
    green = indexed.photo(str(photos / "green.png"))
    assert green.tags == (Tag("green grass", 0.78, "naming@1"), Tag("blue sky", 0.02, "naming@1"))
    assert names(indexed.tagged(["RED"])) == ["blue.jpg", "red.png", "mixed.png"]
    assert names(indexed.tagged(["dog", "grass"], limit=2)) == ["mixed.png", "red.png"]
    assert {*names(indexed.photos(tags=["red dog"]))} == {"blue.jpg", "red.png", "mixed.png"}
    assert names(indexed.photos(tags=["red", "beach"])) == ["blue.jpg"]
    counts = {count.name.casefold(): count for count in indexed.tags()}
    assert counts.keys() == {"red dog", "green grass", "blue sky", "beach"}
    assert counts["red dog"].extractors == ("naming",)
    assert counts["red dog"].keyword
    assert counts["beach"] == TagCount("beach", 1, (), True)

    assert indexed.count() == 4
    assert indexed.count(tags=["dog"]) == 3
    assert indexed.count(tags=["red", "beach"], folder=str(photos)) == 1
    assert indexed.count(until="1990") == 0

    like = (str(photos / "green.png"),)
    hits = indexed.similar(Query(like, tags=("dog",), min_score=0.0)).hits
    assert {*names([*hits])} == {"blue.jpg", "red.png", "mixed.png"}
    assert indexed.similar(Query(like, tags=("dog", "beach"), min_score=0.0)).photos == 1
    with pytest.raises(LibraryError, match="no photo has the tag 'gras'; near it are 'grass'"):
        indexed.similar(Query(like, tags=("gras",)))


def test_another_extractor_adds_its_own_and_takes_them_along(
    indexed: PhotoFind, home: Home, photos: Path
) -> None:
    set_setting(home.settings, "also", "able")
    with PhotoFind(home) as both:
        both.index()
        red = both.photo(str(photos / "red.png"))
        assert [tag.space for tag in red.tags] == ["naming@1", "able@1", "naming@1"]
        assert TagCount("red", 2, ("able",), False) in both.tags()
        (photos / "red.png").rename(photos / "moved.png")
        both.index()
        assert both.photo(str(photos / "moved.png")).tags == red.tags
        with open_store(home, writable=True) as library:
            library.remove_space("naming@1")
        moved = both.photo(str(photos / "moved.png"))
        assert moved.tags == (Tag("red", 0.98, "able@1"),)


def test_the_commands_list_tags_and_photos(indexed: PhotoFind, photos: Path) -> None:
    listed = photofind("tags")
    assert listed.code == 0, listed.stderr
    assert "beach\t1\tkeyword" in listed.lines
    assert photofind("tags", "-n", "1", "--json").json == [
        {"name": listed.lines[0].split("\t")[0], "photos": 4, "extractors": ["naming"],
         "keyword": False},
    ]  # fmt: skip
    found = photofind("tags", "dog", "grass", "--json").json
    assert Path(found[0]["path"]).name == "mixed.png"
    tag = {"name": "red dog", "confidence": 0.51, "space": "naming@1", "confirmed": False}
    assert found[0]["tags"][0] == tag
    written, *named = photofind("tags", "red").lines
    assert written.startswith(f"{photos / 'blue.jpg'}\tRed Dog; beach; blue sky 9")
    assert named == [
        f"{photos / 'red.png'}\tred dog 98%; green grass 2%",
        f"{photos / 'mixed.png'}\tred dog 51%; green grass 39%; blue sky 2%",
    ]
    assert photofind("count", "--in", photos, "--tag", "dog").lines == ["3"]
    every = photofind("tags", "grass", "beach", "sky", "-n", "1")
    assert (every.code, len(every.lines)) == (0, 1)

    unknown = photofind("tags", "gras")
    assert unknown.code == 1
    assert unknown.notes == ["photofind: no photo has the tag 'gras'", "  near it are 'grass'"]
    assert photofind("similar", photos / "green.png", "--tag", "gras").notes == unknown.notes
    limits = ("--tag", "dog", "--tag", "BEACH", "--min-score", "0")
    hits = photofind("similar", photos / "red.png", *limits, "--paths-only")
    assert hits.lines == [str(photos / "blue.jpg")]


def test_what_a_person_says_of_tags_decides_and_lasts(indexed: PhotoFind, photos: Path) -> None:
    red, before = photos / "red.png", (photos / "red.png").read_bytes()
    said = photofind("tags", red, "--add", "Rex", "--remove", "red dog", "--write-sidecar")
    assert said.code == 0, said.stderr
    assert said.lines == [f"{red}\tRex; green grass 2%\tred dog"]
    assert said.notes == [f"written into {red}.xmp"]
    assert xmp_metadata((photos / "red.png.xmp").read_bytes()).keywords == ("Rex",)
    assert red.read_bytes() == before
    for suffix in (".png", ".png.xmp"):
        (photos / f"red{suffix}").rename(photos / f"moved{suffix}")
    indexed.index()
    moved = indexed.photo(str(photos / "moved.png"))
    assert (moved.keywords, moved.rejected) == (("Rex",), ("red dog",))
    assert names(indexed.tagged(["rex"])) == ["moved.png"]
    assert names(indexed.tagged(["dog"])) == ["blue.jpg", "mixed.png"]
    taken_back = photofind("tags", photos / "moved.png", "--forget", "RED DOG", "--json").json
    assert taken_back["photos"][0]["rejected"] == []
    assert names(indexed.tagged(["dog"])) == ["blue.jpg", "moved.png", "mixed.png"]

    assert photofind("tags", photos / "none.png", "--add", "x").code == 1
    assert photofind("tags", "--add", "x").code == 2
    for added, removed in (("x", "X"), ("beagle", "dog")):
        twice = photofind("tags", photos / "moved.png", "--add", added, "--remove", removed)
        assert (twice.code, twice.lines) == (1, [])


def test_without_tags_it_is_said_how_to_get_some(home: Home, photos: Path) -> None:
    (photos / "blue.jpg").unlink()
    set_setting(home.settings, "extractor", "mean-colour")
    for arguments in (("folders", "add", photos), ("index",)):
        assert photofind(*arguments).code == 0
    nothing = photofind("tags")
    assert (nothing.code, nothing.lines) == (0, [])
    assert nothing.notes[0].startswith("no photo has a tag or keyword yet; ")
    assert photofind("tags", "--json").json == []


def test_the_daemon_keeps_and_finds_them_too(home: Home, photos: Path) -> None:
    def run(*arguments: str | Path) -> Outcome:
        done = photofind(*arguments, env=environment(home.root, PHOTOFIND_NO_DAEMON=""))
        assert done.code == 0, done.stderr
        return done

    set_setting(home.settings, "extractor", "naming")
    try:
        run("folders", "add", photos)
        wait_until(lambda: run("status", "--json").json["photos"] == 4)
        assert [Path(one["path"]).name for one in run("tags", "grass", "--json").json][:2] == [
            "green.png", "mixed.png",
        ]  # fmt: skip
        with connect_to_running(home) as client:
            before = client.photo(str(photos / "green.png"))
            assert before.tags[0] == Tag("green grass", 0.78, "naming@1")
            assert {count.name.casefold() for count in client.tags()} >= {"red dog", "beach"}
            assert names(client.photos(tags=["beach"])) == ["blue.jpg"]
            with pytest.raises(LibraryError, match="near it are 'grass'"):
                client.photos(tags=["gras"])
            run("config", "set", "also", "able")
            wait_until(lambda: any(count.name == "red" for count in client.tags()))
            moved = (photos / "green.png").rename(photos / "lawn.png")
            wait_until(lambda: "lawn.png" in names(client.tagged(["grass"])))
            assert client.photo(str(moved)).tags == before.tags
            like = Query((str(moved),), tags=("grass", "sky"), min_score=0.0)
            assert {*names([*client.similar(like).hits])} == {"blue.jpg", "mixed.png"}
    finally:
        stop(home)
