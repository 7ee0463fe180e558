"""``photofind evaluate`` on real photos; the library stays as it is."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import COMMAND, Album, environment, photofind
from waiting import patience

from photofind.app.reports import kept_reports
from photofind.paths import Home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(album: Album, tmp_path_factory: pytest.TempPathFactory) -> Album:
    """The album with a home of its own, whose evaluations others do not see."""
    home = tmp_path_factory.mktemp("evaluating") / "home"
    shutil.copytree(album.home, home)
    return Album(home, album.photos, album.indexed)


def library_of(home: Path) -> dict[str, str]:
    """Return what the files of a library hold."""
    files = [home / "catalog", *(home / "spaces").rglob("*")]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()
    }


def test_photos_of_the_library_are_evaluated_without_reading_them(
    own: Album, tmp_path: Path
) -> None:
    before = library_of(own.home)
    # The index of another drive, with absolute paths; the bad files are left out.
    labels = tmp_path / "labels.csv"
    paths = [path for path in own.photos.rglob("*.jpg") if path.parent.name != "bad"]
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *((p, p.parent.name) for p in paths)])
    done = photofind("evaluate", labels, "--no-engines", "-o", tmp_path / "report", "--json",
                     home=own.home)  # fmt: skip
    assert done.code == 0, done.stderr
    found = done.json
    assert found["complete"]
    assert found["extractors"] == {"mobilenet": "1"}
    assert found["split"] == 0.2
    assert set(found["classes"]) == {"2019", "2020", "2021", "2022"}
    cats = {Path(leak["removed"]).name for leak in found["leaks"] if "chelsea" in leak["kept"]}
    assert {"chelsea-small.jpg", "chelsea-original.jpg", "copy of a cat.jpg"} <= cats
    assert {one["protocol"] for one in found["retrieval"]} == {
        "leave-one-out", "query in gallery", "held out",
    }  # fmt: skip
    report = tmp_path / "report" / "report.html"
    assert found["report"] == str(report)
    assert report.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [one.source for one in kept_reports(Home(own.home))] == [str(labels)]
    assert library_of(own.home) == before
    assert not (own.home / "cache" / "labelled").exists(), "the library had all embeddings"


def test_folders_from_outside_are_embedded_for_this_alone(tmp_path: Path, album: Album) -> None:
    home = tmp_path / "home"
    for label, names in {"cats": ("chelsea-*",), "cups": ("coffee-*",)}.items():
        (tmp_path / "labelled" / label).mkdir(parents=True)
        for name in names:
            for path in (album.photos / "2019").glob(name):
                shutil.copy(path, tmp_path / "labelled" / label)
    (tmp_path / "labelled" / "cats" / "broken.jpg").write_text("no picture")
    done = photofind("evaluate", tmp_path / "labelled", "--scenes", "--no-engines", home=home)
    assert done.code == 0, done.stderr
    assert any(
        note.startswith("1 of 11 photos cannot be read and are left out") for note in done.notes
    )
    assert "Full mAP, leave-one-out, percent" in done.lines
    assert not any(line.startswith("Classification") for line in done.lines)
    assert not (home / "catalog").exists(), "no library is made"


@pytest.mark.parametrize(("make", "line"), [
    ((), "there are no photos in the folders of"),
    (("one/a.jpg", "one/b.jpg"), "have the label 'one'"),
    (("one/a.jpg", "one/b.jpg", "two/c.jpg"), "fewer than two labels have 2 photos or more"),
    (("one/a.jpg", "one/b.jpg", "two/c.jpg", "two/d.jpg"), "none of the 4 photos in"),
    (("a.jpg",), "the 1 photo in"),
])  # fmt: skip
def test_what_cannot_be_evaluated_is_one_line(
    tmp_path: Path, make: tuple[str, ...], line: str
) -> None:
    folder = tmp_path / "labelled"
    folder.mkdir()
    for name in make:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no picture")
    done = photofind("evaluate", folder)
    assert done.code == 1
    assert done.stdout == b""
    assert line in done.notes[0]
    assert len(done.notes) <= 2, "one line, and what to do"


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    assert photofind("evaluate", tmp_path, "--split", "0.3", "--leave-one-out").code == 2
    assert photofind("evaluate", tmp_path, "--split", "1").code == 2
    assert photofind("evaluate", tmp_path, "--all-extractors", "-e", "mobilenet").code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal to one process")
def test_interruption_leaves_a_report_that_says_so(own: Album, tmp_path: Path) -> None:
    report = tmp_path / "report"
    script = (
        "import os, signal, photofind.learning.evaluation as e\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "step = e._Evaluator._retrieve_by_product\n"
        "def interrupted(self, choice):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    step(self, choice)\n"
        "e._Evaluator._retrieve_by_product = interrupted\n"
        "from photofind.cli import main\n"
        "main()\n"
    )
    arguments = ["evaluate", str(own.photos), "--no-engines", "-o", str(report)]
    done = subprocess.run(
        [COMMAND[0], "-c", script, *arguments],
        env=environment(own.home),
        capture_output=True,
        timeout=patience(120),
    )
    assert done.returncode == 130, done.stderr
    assert "interrupted; the report is partial" in os.fsdecode(done.stderr)
    page = (report / "report.html").read_text("utf-8")
    assert "This report is partial" in page
    assert "Protocol 1" in page
    assert not kept_reports(Home(own.home))[0].complete
