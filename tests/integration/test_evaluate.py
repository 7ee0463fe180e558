"""``photofind evaluate`` on real photos; the library stays as it is."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import Album, photofind

from photofind.app.evaluation import evaluate_photos
from photofind.app.photofind import PhotoFind
from photofind.app.reports import kept_reports
from photofind.app.resources import Resources
from photofind.cli import main
from photofind.errors import LearningError
from photofind.learning import evaluation
from photofind.model import Progress
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


def test_python_and_the_api_evaluate_in_a_worker(
    own: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for year in ("2019", "2020"):
        (tmp_path / year).symlink_to(own.photos / year)
    told: list[Progress | None] = []
    monkeypatch.setattr(PhotoFind, "_learns", lambda _, progress: told.append(progress))
    with PhotoFind(Home(own.home)) as photofind:
        record = photofind.evaluate(str(tmp_path), split=0, engines=False)
        *before, last = told
        assert last is None
        phases = [one.phase for one in before if one is not None]
        assert {"mobilenet: k-NN", "mobilenet: photofind's ranking"} <= {*phases}
        assert (record.source, record.classes, record.complete) == (str(tmp_path), 2, True)
        assert record in photofind.evaluations()
        assert photofind.evaluation_report(record.id).startswith(b"<!DOCTYPE html>")
        with pytest.raises(LearningError, match="there is no folder or CSV file"):
            photofind.evaluate(str(tmp_path / "nothing"))


@pytest.mark.parametrize(("make", "line"), [
    ((), "there are no photos in the folders of"),
    (("one/a.jpg", "one/b.jpg"), "have the label 'one'"),
    (("one/a.jpg", "one/b.jpg", "two/c.jpg"), "fewer than two labels have 2 photos or more"),
    (("a.jpg",), "the 1 photo in"),
])  # fmt: skip
def test_what_cannot_be_evaluated_is_refused(
    home: Home, tmp_path: Path, make: tuple[str, ...], line: str
) -> None:
    with pytest.raises(LearningError, match=line):
        evaluate_photos(Resources(home, resident=False), unreadable(tmp_path, make))


def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    made = ("one/a.jpg", "one/b.jpg", "two/c.jpg", "two/d.jpg")
    done = photofind("evaluate", unreadable(tmp_path, made))
    assert done.code == 1
    assert done.stdout == b""
    assert "none of the 4 photos in" in done.notes[0]
    assert len(done.notes) <= 2, "one line, and what to do"


def unreadable(root: Path, names: tuple[str, ...]) -> str:
    folder = root / "labelled"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no picture")
    return str(folder)


@pytest.mark.parametrize("options", [
    ("--split", "0.3", "--leave-one-out"), ("--split", "1"), ("--all-extractors", "-e", "a"),
])  # fmt: skip
def test_options_that_contradict_each_other(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["evaluate", str(tmp_path), *options]).exit_code == 2


def test_interruption_leaves_a_report_that_says_so(
    own: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation._Evaluator, "_retrieve_by_product", interrupted)
    monkeypatch.setenv("PHOTOFIND_HOME", str(own.home))
    report = tmp_path / "report"
    arguments = ["evaluate", str(own.photos), "--no-engines", "-o", str(report)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 130, done.output
    assert "interrupted; the report is partial" in done.stderr
    page = (report / "report.html").read_text("utf-8")
    assert "This report is partial" in page
    assert "Protocol 1" in page
    assert not kept_reports(Home(own.home))[0].complete
