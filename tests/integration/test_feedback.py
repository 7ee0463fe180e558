"""What people get who say which hits are right: in real processes, on real files."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from commands import Album, photofind
from waiting import wait_until

from photofind.daemon.resident import Resident
from photofind.indexing.index_maintenance import maintainer
from photofind.model import Query
from photofind.paths import Home

CAT = "2019/chelsea-original.jpg"


@pytest.fixture
def judging(album: Album, tmp_path: Path) -> Album:
    """The library in a home of its own, for judgements stay in it."""
    home = tmp_path / "own"
    shutil.copytree(album.home, home)
    return Album(home, album.photos, album.indexed)


def hits(answer: dict) -> list[str]:
    return [hit["path"] for hit in answer["hits"]]


def test_hits_are_judged_and_it_lasts_until_it_is_taken_back(
    judging: Album, tmp_path: Path
) -> None:
    home, query = judging.home, judging.path(CAT)
    before = photofind("similar", query, "--json", "-n", "30", home=home).json
    assert before["feedback"] is None
    wrong, right = hits(before)[1], hits(before)[3]
    judged = photofind(
        "feedback", query, "--like", right, "--dislike", wrong, "--json", "-n", "30", home=home
    )
    assert judged.code == 0, judged.stderr
    answer = judged.json
    assert wrong not in hits(answer)
    assert hits(answer)[1] == right, "after what is identical to the query"
    told = {(one["path"], one["liked"]) for one in answer["feedback"]["judged"]}
    assert {(right, True), (wrong, False)} <= told
    assert answer["feedback"]["proposals"]
    # The same photo from elsewhere asks the same.
    outside = Path(shutil.copy(query, tmp_path / "a copy.jpg"))
    later = photofind("similar", outside, home=home)
    assert later.notes[0].startswith("ranked by the query and 1 like and 1 dislike")
    assert not any(wrong in line for line in later.lines)
    without = photofind("similar", query, "--no-feedback", "--json", "-n", "30", home=home).json
    assert hits(without) == hits(before)
    assert photofind("config", "set", "feedback", "false", home=home).code == 0
    assert hits(photofind("similar", query, "--json", "-n", "30", home=home).json) == hits(before)
    assert photofind("config", "set", "feedback", "true", home=home).code == 0
    assert photofind("index", home=home).code == 0

    listed = photofind("feedback", "--list", "--json", home=home).json
    assert {(one["paths"][0], one["liked"]) for one in listed} == {(right, True), (wrong, False)}
    # Identical files are one content, by whichever path the query is known.
    assert all(Path(one["query"][0]).is_file() for one in listed)
    table = tmp_path / "judged.csv"
    assert photofind("feedback", "--export", table, home=home).code == 0
    with table.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert {(row["photo"], row["judgement"]) for row in rows} == {
        (right, "liked"),
        (wrong, "disliked"),
    }

    undone = photofind("feedback", query, "--undo", wrong, "--json", "-n", "30", home=home).json
    assert wrong in hits(undone)
    gone = photofind("feedback", query, "--undo-all", "--json", "-n", "30", home=home)
    assert "1 judgement was taken back" in gone.notes
    assert hits(gone.json) == hits(before)
    assert photofind("feedback", "--list", "--json", home=home).json == []


def test_what_cannot_be_judged_is_refused_in_one_line(judging: Album, tmp_path: Path) -> None:
    home, query = judging.home, judging.path(CAT)
    hit = judging.path("2019/coffee-original.jpg")
    both = photofind("feedback", query, "--like", hit, "--dislike", hit, home=home)
    assert both.code == 1
    assert "two ways" in both.notes[0]
    unknown = photofind("feedback", query, "--like", tmp_path / "none.jpg", home=home)
    assert unknown.code == 1
    assert "there is no photo" in unknown.notes[0]
    for wrong in (["--like", hit], ["--list", "--metric"], [query, "--learn"], []):
        assert photofind("feedback", *wrong, home=home).code == 2, wrong
    full = photofind("feedback", "--export", tmp_path / "none" / "a.json", home=home)
    assert full.code == 1
    assert "cannot be written" in full.notes[0]


def test_few_judgements_teach_nothing_and_say_so(judging: Album) -> None:
    home, query = judging.home, judging.path(CAT)
    assert photofind("feedback", "--metric", "--json", home=home).json["state"] == "none"
    hit = judging.path("2019/coffee-original.jpg")
    assert photofind("feedback", query, "--dislike", hit, home=home).code == 0
    learned = photofind("feedback", "--learn", home=home)
    assert learned.code == 0
    assert learned.lines[0].startswith("no metric counts: ")
    assert "too few" in learned.lines[0]
    forgotten = photofind("feedback", "--forget-metric", "--json", home=home).json
    assert (forgotten["state"], forgotten["judgements"]) == ("none", 0)
    assert "forgotten" in forgotten["reason"]


def test_the_daemon_learns_in_calm_moments(judging: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintainer, "CALM_SECONDS", 0.1)
    with Resident(Home(judging.home)) as resident:
        resident.start()
        query = Query((judging.path(CAT),))
        wrong = resident.photo(judging.path("2019/coffee-original.jpg")).id
        assert "nothing was learned" in resident.metric().reason
        resident.judge(query, dislikes=[wrong])
        wait_until(lambda: "too few" in resident.metric().reason, "what was learned")
        assert resident.metric().trained is not None
        (judged,) = resident.judgements()
        assert resident.forget_judgements([judged.judgement.partition(":")[0]]) == 1
        wait_until(lambda: resident.metric().reason.startswith("0 judg"), "that it is gone")
