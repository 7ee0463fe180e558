"""What people and scripts get from the commands, in real processes on real files."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from commands import Album, Outcome, photofind
from PIL import Image
from skimage import data

from photofind.model import Query, as_plain
from photofind.paths import Home

CAT = "2019/chelsea-original.jpg"
CATS = {f"2019/chelsea-{v}.jpg" for v in ("bright", "mirrored", "cropped", "small")} | {
    "2022/copy of a cat.jpg"
}


def similar(album: Album, *arguments: str | Path) -> Outcome:
    """Ask for the like of a photo; it must not go wrong."""
    outcome = photofind("similar", *arguments, home=album.home)
    assert outcome.code == 0, outcome.stderr
    return outcome


def names(album: Album, outcome: Outcome) -> list[str]:
    """Return what the hits of a JSON answer are called inside the album."""
    return [Path(hit["path"]).relative_to(album.photos).as_posix() for hit in outcome.json["hits"]]


def fails(outcome: Outcome, *words: str) -> None:
    """Check that a command failed with one clear line, and at most one that says what to do."""
    assert outcome.code == 1
    assert outcome.stdout == b""
    first, *hint = outcome.notes
    assert first.startswith("photofind: ")
    assert len(hint) <= 1
    assert all(line.startswith("  ") for line in hint)
    for word in words:
        assert word in outcome.stderr.decode()


def is_misunderstood(outcome: Outcome, *words: str) -> None:
    """Check that a command was refused as it was typed."""
    assert outcome.code == 2
    assert outcome.notes[0].startswith("Usage: photofind")
    assert outcome.notes[-1].startswith("Error: ")
    for word in words:
        assert word in outcome.notes[-1]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three photographs in a folder of their own."""
    folder = tmp_path / "small"
    folder.mkdir()
    for name in ("chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(data, name)()).resize((160, 120)).save(folder / f"{name}.jpg")
    return folder


# Nothing set up.


def test_with_nothing_set_up_two_lines_say_what_to_do(home: Home, small: Path) -> None:
    outcome = photofind("similar", small / "chelsea.jpg")
    fails(outcome, "no photos", "photofind folders add", "photofind index")
    assert len(outcome.notes) == 2
    assert not home.root.exists()


def test_with_nothing_set_up_the_others_answer_too() -> None:
    fails(photofind("index"), "photofind folders add")
    fails(photofind("duplicates"), "photofind folders add")
    found = photofind("search", "beach")
    assert (found.code, found.stdout) == (1, b"")
    assert "no photo is indexed yet" in found.notes[0]
    status = photofind("status", "--json")
    assert (status.json["photos"], status.json["failed"], status.json["pending"]) == (0, 0, 0)
    assert photofind("failures", "--json").json == []
    folders = photofind("folders")
    assert folders.stdout == b""
    assert "photofind folders add" in folders.notes[0]


def test_with_folders_but_no_index_it_says_to_index(small: Path) -> None:
    assert photofind("folders", "add", small).code == 0
    fails(photofind("similar", small / "chelsea.jpg"), "nothing is indexed yet", "photofind index")


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert photofind("--version").lines == [f"photofind, version {version('photofind')}"]


def test_help_lists_all_commands_uncut() -> None:
    lines = photofind("--help").lines
    commands = lines[lines.index("Commands:") + 1 :]
    commands = [line.split()[0] for line in commands[: commands.index("")]]
    assert commands == [
        "similar", "search", "explain", "feedback", "web", "index", "folders", "duplicates",
        "known", "untrash", "tags", "count", "status", "pause", "resume", "daemon", "doctor",
        "failures", "extractors", "evaluate", "train", "plugins", "config", "store", "desktop",
        "tray", "demo",
    ]  # fmt: skip
    assert not any(line.endswith("...") for line in lines[1:])


# Folders and indexing.


def test_folders_come_and_go(small: Path) -> None:
    added = photofind("folders", "add", "small", "--exclude", "*.gif", cwd=small.parent)
    assert added.code == 0
    assert "photofind index" in added.notes[0]
    (folder,) = photofind("folders", "list", "--json").json
    assert folder["path"] == str(small)
    assert folder["excludes"] == ["*.gif"]
    assert photofind("folders").lines == [f"{small}\t0\tonline"]
    assert photofind("folders", "--json").json == [folder]

    assert photofind("folders", "remove", small).code == 0
    assert photofind("folders", "--json").json == []
    assert len([*small.iterdir()]) == 3
    fails(photofind("folders", "remove", small), "is not a folder of the library")


def test_only_folders_can_be_added(home: Home, small: Path) -> None:
    fails(photofind("folders", "add", small / "chelsea.jpg"), "chelsea.jpg is not a folder")
    fails(photofind("folders", "add", small / "nowhere"), "nowhere is not a folder")
    is_misunderstood(photofind("folders", "add", ""), "empty")
    is_misunderstood(photofind("folders", "add"), "FOLDER")
    assert not home.root.exists()


def test_indexing_tells_what_came_of_it(album: Album) -> None:
    report = album.indexed.json
    assert report["found"] == report["new"] == 54
    assert report["failed"] == 3
    assert report["offline"] == report["skipped"] == report["notes"] == []
    assert album.indexed.notes[0].startswith("54 photos: 54 new, 3 failed")
    assert album.indexed.notes[1:] == ["`photofind failures` shows why photos failed"]


def test_indexing_again_reads_only_what_changed(small: Path) -> None:
    photofind("folders", "add", small)
    assert photofind("index", "--json").json["new"] == 3
    again = photofind("index", "--json", "--wait").json
    assert (again["unchanged"], again["new"]) == (3, 0)

    (small / "coffee.jpg").rename(small / "espresso.jpg")
    (small / "rocket.jpg").unlink()
    (small / "words.jpg").write_text("no picture")
    shutil.copy(small / "chelsea.jpg", small / "cat.jpg")
    report = photofind("index", small, "--json").json
    counts = {k: report[k] for k in ("unchanged", "new", "moved", "removed", "failed")}
    assert counts == {"unchanged": 1, "new": 2, "moved": 1, "removed": 1, "failed": 1}

    (failure,) = photofind("failures", "--json").json
    assert failure["path"] == str(small / "words.jpg")
    left = "1 photo failed before; `photofind failures` shows why"
    assert photofind("index").notes[-1] == left
    Image.fromarray(data.rocket()).save(small / "words.jpg")
    report = photofind("index", "--json").json
    assert (report["changed"], report["failed"]) == (1, 0)
    assert photofind("failures").notes == ["no photo has failed"]

    whole = (small / "cat.jpg").read_bytes()
    (small / "cat.jpg").write_bytes(whole[: len(whole) // 2])
    assert photofind("index", "--json").json["failed"] == 0
    assert photofind("status", "--json").json["noted"] == 1
    told = "1 file is damaged in part, and read as far as possible; `photofind failures` says which"
    assert any(told in line for line in photofind("status").lines)


def test_a_folder_that_is_gone_keeps_its_photos(small: Path) -> None:
    photofind("folders", "add", small)
    photofind("index")
    away = small.rename(small.with_name("away"))
    outcome = photofind("index")
    assert outcome.code == 0
    assert any(f"{small} is offline" in note for note in outcome.notes)
    (folder,) = photofind("folders", "--json").json
    assert (folder["state"], folder["photos"]) == ("offline", 3)
    hits = photofind("similar", away / "chelsea.jpg", "--all", "--json").json["hits"]
    assert {hit["offline"] for hit in hits} == {True}


def test_indexing_a_folder_that_is_not_in_the_library(album: Album, tmp_path: Path) -> None:
    fails(photofind("index", tmp_path, home=album.home), str(tmp_path), "photofind folders add")


# Similar.


def test_similar_ranks_the_same_thing_first(album: Album) -> None:
    answer = similar(album, album.path(CAT), "--all", "--json")
    assert set(names(album, answer)[:5]) == CATS
    hits = answer.json["hits"]
    assert [hit["rank"] for hit in hits] == [*range(1, 21)]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_photo_from_outside_is_found_however_it_is_turned(album: Album, tmp_path: Path) -> None:
    outside = tmp_path / "turned.jpg"
    with Image.open(album.path(CAT)) as cat:
        cat.transpose(Image.Transpose.TRANSVERSE).resize((300, 450)).save(outside)
    found = similar(album, outside, "--all", "-n", "1", "--json").json
    assert found["turned"]
    assert Path(found["hits"][0]["path"]).relative_to(album.photos).as_posix() in CATS | {CAT}
    as_it_is = similar(album, outside, "--no-rotation", "--json").json
    assert not as_it_is["turned"]
    assert as_it_is["hits"][0]["score"] < found["hits"][0]["score"]
    assert similar(album, outside).notes[0].startswith("the photo was compared turned")


def test_a_part_of_a_photo_is_found(album: Album, tmp_path: Path) -> None:
    outside = tmp_path / "wall.png"
    wall = Image.new("RGB", (900, 600), "olive")
    with Image.open(album.path(CAT)) as cat:
        wall.paste(cat.resize((450, 300)), (450, 300))
    wall.save(outside)
    part = similar(album, outside, "--box", "0.5,0.5,0.5,0.5", "--all", "-n", "3", "--json")
    assert all("chelsea" in name or "cat" in name for name in names(album, part))
    typo = photofind("similar", outside, "--box", "1,2,3", home=album.home)
    is_misunderstood(typo, "1,2,3", "four numbers")
    two = photofind("similar", outside, outside, "--box", "0,0,.5,.5", home=album.home)
    fails(two, "has one photo")


def test_the_json_of_similar_is_what_the_page_says(album: Album) -> None:
    answer = similar(album, album.path(CAT), "--json", "-n", "2").json
    assert set(answer) == {
        "query", "extractor", "searched_by", "photos", "preliminary", "turned", "seconds", "hits",
        "spaces", "coming", "notes", "feedback", "by_words",
    }  # fmt: skip
    asked = Query((album.path(CAT),), limit=2, min_score=0)
    assert answer["query"] == json.loads(json.dumps(asked, default=as_plain))
    assert (answer["extractor"], answer["searched_by"]) == ("mobilenet", "exact")
    assert (answer["spaces"], answer["coming"], answer["notes"]) == (["mobilenet@1"], [], [])
    assert answer["photos"] == 51
    assert 0 < answer["seconds"] < 60
    assert len(answer["hits"]) == 2
    hit = answer["hits"][0]
    assert set(hit) == {
        "rank", "path", "score", "captured", "width", "height", "offline", "copies",
        "id", "size", "modified", "preliminary", "copy_ids", "words",
    }  # fmt: skip
    assert hit["captured"] == "2019-05-03T14:30:00"
    assert hit["offline"] is False


def test_near_duplicates_collapse_unless_all_are_wanted(album: Album) -> None:
    hit = similar(album, album.path(CAT), "--json").json["hits"][0]
    assert hit["copies"]
    every = similar(album, album.path(CAT), "--json", "--all").json["hits"]
    assert not any(hit["copies"] for hit in every)
    assert {hit["path"], *hit["copies"]} <= {one["path"] for one in every}


def test_the_query_itself_is_no_hit(album: Album, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(album.path(CAT))
    for query in (album.path(CAT), str(link), album.path("2022/../" + CAT)):
        found = names(album, similar(album, query, "--json", "--all"))
        assert CAT not in found
        assert "2022/copy of a cat.jpg" in found


def test_a_photo_from_outside_the_library(album: Album, tmp_path: Path) -> None:
    query = tmp_path / "elsewhere.png"
    Image.fromarray(data.chelsea()).rotate(4).save(query)
    found = names(album, similar(album, query, "--json", "--all"))
    assert set(found[:6]) == CATS | {CAT}
    assert photofind("status", "--json", home=album.home).json["photos"] == 51


def test_several_photos_make_one_query(album: Album) -> None:
    queries = [album.path(CAT), album.path("2019/coffee-original.jpg")]
    answer = similar(album, *queries, "--json", "--all")
    found = names(album, answer)
    assert answer.json["query"]["like"] == queries
    assert sum("chelsea" in name or "cat" in name for name in found[:9]) >= 4
    assert sum("coffee" in name for name in found[:9]) >= 4


def test_what_hits_should_not_be_like(album: Album) -> None:
    both = [album.path(CAT), album.path("2019/coffee-original.jpg")]
    answer = similar(album, *both, "--not", album.path("2019/coffee-bright.jpg"), "--json", "--all")
    assert answer.json["query"]["unlike"] == [album.path("2019/coffee-bright.jpg")]
    found = names(album, answer)
    assert set(found[:5]) == CATS
    assert "2019/coffee-bright.jpg" not in found


def test_the_number_of_hits_and_the_lowest_score(album: Album) -> None:
    assert len(similar(album, album.path(CAT), "-n", "3", "--all").lines) == 3
    good = similar(album, album.path(CAT), "--min-score", "0.6", "--all", "--json").json["hits"]
    assert 1 <= len(good) < 20
    assert all(hit["score"] >= 0.6 for hit in good)
    none = similar(album, album.path("2022/brick-small.jpg"), "--min-score", "1")
    assert none.stdout == b""
    assert "--min-score" in none.notes[0]


def test_hits_of_one_folder(album: Album) -> None:
    answer = similar(album, album.path(CAT), "--in", album.path("2022"), "--json", "--all")
    assert answer.json["photos"] == 16
    assert names(album, answer)[0] == "2022/copy of a cat.jpg"
    assert all(name.startswith("2022/") for name in names(album, answer))
    nowhere = similar(album, album.path(CAT), "--in", album.path("bad"))
    assert (nowhere.stdout, nowhere.notes) == (
        b"", ["there is no photo in that folder, from that time, or with those tags"],
    )  # fmt: skip


def test_a_folder_that_is_not_in_the_library_is_indexed_first(small: Path) -> None:
    outcome = photofind("similar", small / "chelsea.jpg", "--in", small, "--json")
    assert outcome.code == 0
    assert outcome.json["photos"] == 3
    assert {Path(hit["path"]).name for hit in outcome.json["hits"]} == {"coffee.jpg", "rocket.jpg"}
    assert [folder["path"] for folder in photofind("folders", "--json").json] == [str(small)]
    assert "is new and is indexed first" in outcome.notes[0]


def test_a_bad_query_is_told_before_a_new_folder_is_indexed(home: Home, small: Path) -> None:
    fails(photofind("similar", small / "nope.jpg", "--in", small), "nope.jpg", "no such file")
    fails(photofind("similar", small / "coffee.jpg", "--in", small / "x"), "x is not a folder")
    assert not home.root.exists()


@pytest.mark.parametrize(
    ("arguments", "years"),
    [
        (["--since", "2021"], {"2021", "2022"}),
        (["--until", "2020"], {"2019", "2020"}),
        (["--since", "2020-05-03", "--until", "2021-05"], {"2020", "2021"}),
        (["--since", "2020-05-03 14:31", "--until", "2021-05-03T14:30"], {"2021"}),
    ],
)
def test_hits_of_a_time(album: Album, arguments: list[str], years: set[str]) -> None:
    answer = similar(album, album.path(CAT), *arguments, "--json", "--all", "-n", "60")
    found = {hit["captured"][:4] for hit in answer.json["hits"]}
    assert found == years


def test_plain_ranks_by_the_cosine_alone(album: Album) -> None:
    answer = similar(album, album.path(CAT), "--plain", "--json", "--all")
    assert set(names(album, answer)[:5]) == CATS
    assert answer.json["searched_by"] == "plain"


def test_hits_in_a_pipe_are_lines_without_colour(album: Album) -> None:
    outcome = similar(album, album.path(CAT), "-n", "2", "--all")
    assert outcome.stderr == b""
    assert b"\x1b" not in outcome.stdout
    rank, score, path, _ = outcome.lines[0].split("\t")
    assert (rank, path) == ("1", album.path("2022/copy of a cat.jpg"))
    assert 0.9 <= float(score) <= 1


def test_paths_only(album: Album) -> None:
    asked = (album.path(CAT), "-n", "4", "--all")
    paths = [hit["path"] for hit in similar(album, *asked, "--json").json["hits"]]
    assert similar(album, *asked, "--paths-only").lines == paths
    ended = similar(album, *asked, "--paths-only", "-0").stdout
    assert ended == b"".join(path.encode() + b"\0" for path in paths)


# What is not understood, and what cannot be read.


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["similar"], "IMAGES"),
        (["similar", ""], "empty"),
        (["similar", "x.jpg", "-n", "0"], "-n"),
        (["similar", "x.jpg", "-n", "10001"], "10000"),
        (["similar", "x.jpg", "--min-score", "2"], "--min-score"),
        (["similar", "x.jpg", "--since", "soon"], "'soon' is not a date"),
        (["similar", "x.jpg", "--until", "2021-02-30"], "--until"),
        (["similar", "x.jpg", "-0"], "--paths-only"),
        (["similar", "x.jpg", "--json", "--paths-only"], "--json"),
        (["similar", "x.jpg", "--fast"], "--fast"),
        (["folders", "rename", "x"], "rename"),
        (["config", "set", "hits"], "VALUE"),
        (["find"], "find"),
    ],
    ids=" ".join,
)
def test_what_is_not_understood(arguments: list[str], word: str) -> None:
    is_misunderstood(photofind(*arguments), word)


def test_every_bad_query_gives_one_clear_line(album: Album, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(_png_of(60_000, 60_000))
    for query, reason in {
        tmp_path / "missing.jpg": "no such file",
        tmp_path: "a folder",
        album.photos / "bad/text.jpg": "not a picture",
        album.photos / "bad/truncated.jpg": "truncated",
        album.photos / "bad/empty.png": "empty",
        bomb: "too large",
    }.items():
        fails(photofind("similar", query, home=album.home), str(query), reason)
    fails(
        photofind("similar", album.path(CAT), "--not", bomb, home=album.home),
        str(bomb),
        "too large",
    )


def test_a_traceback_is_shown_to_who_asks_for_it(album: Album) -> None:
    outcome = photofind("--debug", "similar", "missing.jpg", home=album.home)
    assert outcome.code == 1
    assert outcome.notes[0].startswith("Traceback")
    assert "no such file" in outcome.notes[-1]


def test_an_extractor_that_is_not_there(album: Album) -> None:
    query = album.path(CAT)
    fails(
        photofind("similar", query, "--extractor", "nope", home=album.home),
        "there is no extractor 'nope'", "photofind extractors",
    )  # fmt: skip


def _png_of(width: int, height: int) -> bytes:
    """Return a small file that declares a huge picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )  # fmt: skip


# The other commands.


def test_photos_are_found_by_words(album: Album) -> None:
    found = photofind("search", "chelsea -small", "2019", "--json", home=album.home)
    assert found.code == 0, found.stderr
    assert CAT in names(album, found)
    assert "2019/chelsea-small.jpg" not in names(album, found)
    assert all(hit["found_by"][0] == "name chelsea" for hit in found.json["hits"])
    paths = photofind("search", "copy", "of", "a", "cat*", "--paths-only", "-0", home=album.home)
    assert paths.stdout == album.path("2022/copy of a cat.jpg").encode() + b"\0"
    nothing = photofind("search", "chelsea", "rocket", home=album.home)
    assert (nothing.code, nothing.stdout) == (1, b"")
    assert "--any needs one of them" in nothing.notes[0]
    fails(photofind("search", "before:soon", home=album.home), "before:soon is no time", "2019")
    fails(photofind("search", "a" * 10_000, home=album.home), "longer than")


def test_duplicates(album: Album) -> None:
    groups = photofind("duplicates", "--json", home=album.home).json
    sizes = [len(group["paths"]) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    cats = next(group for group in groups if album.path(CAT) in group["paths"])
    assert album.path("2022/copy of a cat.jpg") in cats["paths"]
    assert album.path("2019/chelsea-bright.jpg") in cats["paths"]
    assert cats["kind"] == "same picture"
    assert all("chelsea" in path or "cat" in path for path in cats["paths"])
    in_lines = photofind("duplicates", home=album.home)
    assert in_lines.lines == [path for group in groups for path in group["paths"]]
    assert len(in_lines.notes) == len(groups)


def test_duplicates_are_moved_to_the_trash_and_back(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "album"
    (folder / "copies").mkdir(parents=True)
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(folder / "a.png")
    shutil.copy(folder / "a.png", folder / "copies/a copy.png")
    Image.radial_gradient("L").convert("RGB").save(folder / "other.png")
    photofind("folders", "add", str(folder), home=home)
    photofind("index", home=home)
    keep = ("duplicates", "--keep", "best", "--exact")
    (group,) = photofind(*keep, "--across-folders", "--json", home=home).json
    assert group["proposal"]["reason"] == "not named like a copy or an export"
    assert photofind(*keep, "--within-folders", "--json", home=home).json == []
    assert photofind(*keep, "--in", str(folder / "copies"), "--json", home=home).json == []
    dry = photofind(*keep, "--trash", "--dry-run", home=home)
    assert "1 photo would be moved to the trash; nothing was moved" in dry.notes
    assert (folder / "copies/a copy.png").exists()
    assert photofind(*keep, "--trash", home=home).code == 2  # There is nobody to ask.
    assert photofind("duplicates", "--trash", home=home).code == 2
    assert (folder / "copies/a copy.png").exists()


def test_what_is_not_the_same_is_kept_when_files_move(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "album"
    folder.mkdir()
    picture = Image.effect_noise((320, 240), 90).convert("RGB")
    first, second = folder / "a.png", folder / "b.png"
    picture.save(first)
    picture.resize((160, 120)).save(second)
    photofind("folders", "add", str(folder), home=home)
    photofind("index", home=home)
    assert photofind("duplicates", "not-same", str(first), str(second), home=home).code == 0
    second = second.rename(folder / "renamed.png")
    photofind("index", home=home)
    assert photofind("doctor", "--repair", home=home).code == 0
    (listed,) = photofind("duplicates", "not-same", "--json", home=home).json
    assert {*listed["first"], *listed["second"]} == {str(first), str(second)}
    fails(photofind("duplicates", "same", "elsewhere.png", home=home), "not told apart")
    assert photofind("duplicates", "same", str(second), home=home).code == 0
    assert photofind("duplicates", "not-same", "--json", home=home).json == []


def test_failures(album: Album) -> None:
    failed = photofind("failures", "--json", home=album.home).json
    assert [Path(failure["path"]).name for failure in failed] == [
        "empty.png", "text.jpg", "truncated.jpg",
    ]  # fmt: skip
    assert all(failure["reason"] for failure in failed)
    lines = [f"{failure['path']}\t{failure['reason']}" for failure in failed]
    assert photofind("failures", home=album.home).lines == lines


def test_status(album: Album) -> None:
    status = photofind("status", "--json", home=album.home).json
    assert (status["photos"], status["failed"], status["pending"]) == (51, 3, 0)
    assert status["search"]["path"] == "exact"
    assert status["problems"] == []
    assert status["home"] == str(album.home)
    assert [folder["photos"] for folder in status["folders"]] == [51]
    text = photofind("status", home=album.home)
    assert "51 indexed, 0 pending, 3 failed" in text.lines[0]
    assert b"\x1b" not in text.stdout


def test_extractors(album: Album) -> None:
    listed = photofind("extractors", "--json", home=album.home).json
    (mobilenet,) = (one for one in listed if one["name"] == "mobilenet")
    assert (mobilenet["dimension"], mobilenet["photos"]) == (1280, 51)
    assert mobilenet["in_use"]
    assert mobilenet["error"] is None


def test_settings_are_read_changed_and_reset(home: Home) -> None:
    assert photofind("config", "get", "hits").lines == ["20"]
    assert photofind("config", "set", "hits", "50").notes == ["hits is now 50"]
    photofind("config", "set", "exclude", "*.gif, Screenshots/")
    changed = photofind("config", "--json").json
    assert (changed["hits"], changed["exclude"]) == (50, ["*.gif", "Screenshots/"])
    assert photofind("config", "reset", "hits").notes == ["hits is reset to its default: 20"]
    assert any(line.startswith("hits\t20\t20\t") for line in photofind("config", "list").lines)
    assert home.settings.read_text("utf-8") == 'exclude = ["*.gif", "Screenshots/"]\n'


def test_bad_settings_are_refused(home: Home) -> None:
    fails(photofind("config", "set", "hits", "many"), "hits cannot be 'many'", "a whole number")
    fails(photofind("config", "set", "min_score", "-1"), "min_score cannot be -1")
    for arguments in (["get", "size"], ["set", "size", "1"], ["reset", "size"]):
        fails(photofind("config", *arguments), "there is no setting 'size'")
    assert not home.root.exists()


@pytest.mark.parametrize("content", ["hits = [", "size = 1", 'hits = "many"'])
def test_a_file_of_settings_that_is_not_right_is_named(home: Home, content: str) -> None:
    home.root.mkdir()
    home.settings.write_text(content)
    for arguments in (["config"], ["status"]):
        outcome = photofind(*arguments)
        assert outcome.code == 0
        (note,) = outcome.notes
        assert note.startswith(f"{home.settings}, line 1: ")
    assert photofind("config", "get", "hits").lines == ["20"]
    assert home.settings.read_text() == content


def test_the_demonstration_leaves_the_library_alone(home: Home) -> None:
    answer = photofind("demo", "--json")
    assert answer.code == 0
    assert len(answer.json["hits"]) == 8
    assert all("chelsea" in hit["path"] for hit in answer.json["hits"][:5])
    assert photofind("folders", "--json").json == []
    assert photofind("status", "--json").json["photos"] == 0
    again = photofind("demo")
    assert len(again.lines) == 8
    assert "  photofind folders add ~/Pictures" in again.notes


def test_a_home_that_cannot_be_made_gives_one_line(small: Path) -> None:
    home = small / "chelsea.jpg" / "home"
    fails(photofind("folders", "add", small, home=home), str(home))
    fails(photofind("config", "set", "hits", "3", home=home), str(home))
    fails(photofind("demo", home=home), str(home))
