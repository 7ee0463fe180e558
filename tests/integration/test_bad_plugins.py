"""Plugins that do each of the things that plugins must not do, installed side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import photofind
from PIL import Image
from waiting import patience, wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.resident import Resident
from photofind.errors import ExtractorError
from photofind.extractors.extraction import Extraction
from photofind.indexing import backlog_reader
from photofind.model import ExtractorStatus, Query
from photofind.settings import set_setting

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"

BAD = {
    "missing": "cannot be loaded: ModuleNotFoundError",
    "raising": "failed: ValueError: no network for this",
    "wrong-shape": "it returned vectors of shape (1, 5), not (1, 3)",
    "not-finite": "it returned vectors with non-finite values",
    "hanging": "it took longer than {seconds} s to load",
    "exiting": "cannot be loaded: SystemExit",
    "crashing": "SIGSEGV",
    "newer": "needs protocol 3, but this photofind has protocol 2",
}


@pytest.fixture(autouse=True)
def start_seconds(monkeypatch):
    """Have the plugins installed; return how long each may take to load."""
    seconds = round(patience(15.0))
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=":")
    defaults = dict(Extraction.__init__.__kwdefaults__)
    monkeypatch.setattr(
        Extraction.__init__, "__kwdefaults__", defaults | {"start_seconds": seconds}
    )
    return seconds


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (60, 40), (200, 5 * number, 7)).save(folder / f"{number}.png")
    return folder


def test_each_is_named_with_its_error_and_the_others_work(home, start_seconds):
    with PhotoFind(home) as photofind:

        def tried() -> list[ExtractorStatus]:
            every = photofind.extractors()
            return [] if any(extractor.loading for extractor in every) else every

        found = {extractor.name: extractor for extractor in wait_until(tried, seconds=180)}
    for name, reason in BAD.items():
        assert reason.format(seconds=start_seconds) in found[name].error, name
        assert "\n" not in found[name].error
    for name in ("mobilenet", "mean-colour", "able", "leaking"):  # Colour prints whenever it can.
        assert found[name].error is None, found[name]
    log = (home.logs / "extraction.log").read_text()
    assert "plugins print when they embed" in log
    assert 'raise ValueError("no network\\nfor this")' in log  # The plugin's own traceback.


def test_its_own_traceback_is_shown_where_it_is_asked_for(home):
    info = photofind("--debug", "extractors", "info", "raising")
    assert info.code == 1
    assert 'raise ValueError("no network\\nfor this")' in "\n".join(info.notes)
    assert photofind("extractors", "info", "raising").notes[0].startswith("photofind: ")
    checked = photofind("extractors", "check", "raising", "--json")
    assert checked.code == 1
    results = {result["check"]: result for result in checked.json["results"]}
    assert results["batches"]["state"] == "broken"
    assert 'raise ValueError("no network\\nfor this")' in results["batches"]["details"]
    assert results["threads"]["state"] == "not run"
    assert checked.json["figures"] is None


@pytest.mark.parametrize("name", ["exiting", "not-finite", "crashing"])
def test_nothing_is_lost_while_a_bad_one_is_chosen(name, home, photos):
    set_setting(home.settings, "extractor", "mean-colour")
    query = Query((str(photos / "3.png"),), limit=3, plain=True)
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(photos))
        photofind.index()
        before = [hit.path for hit in photofind.similar(query).hits]
    set_setting(home.settings, "extractor", name)
    with PhotoFind(home) as photofind, pytest.raises(ExtractorError) as caught:
        photofind.index()
    assert repr(name) in caught.value.message
    set_setting(home.settings, "extractor", "mean-colour")
    with PhotoFind(home) as photofind:
        report = photofind.index()
        assert (report.found, report.unchanged, report.failed) == (40, 40, 0)
        assert [hit.path for hit in photofind.similar(query).hits] == before


@pytest.fixture
def forever(monkeypatch, home):
    """Have nothing that hangs be given up during a test."""
    defaults = dict(Extraction.__init__.__kwdefaults__)
    monkeypatch.setattr(Extraction.__init__, "__kwdefaults__", defaults | {"start_seconds": 3600.0})
    set_setting(home.settings, "max_seconds", "3600")


def embedded(photofind: Resident, photo: Path) -> bool:
    return "mean-colour@1" in photofind.photo(str(photo)).spaces


@pytest.mark.usefixtures("forever")
def test_none_of_them_keeps_photos_from_a_good_one(home, photos):
    set_setting(home.settings, "extractor", "mean-colour")
    set_setting(home.settings, "also", ",".join([*BAD, "stuck"]))
    resident = Resident(home)
    try:
        resident.start()
        resident.add_folder(str(photos))
        report = resident.index()
        assert (report.found, report.failed) == (40, 0)
        assert all(embedded(resident, photo) for photo in photos.iterdir())

        def activity() -> str:
            now = resident.status().daemon.activity
            return now.phase if now else ""

        wait_until(lambda: activity() == "embedding photos with stuck")
        Image.new("RGB", (60, 40), (9, 200, 7)).save(photos / "new.png")
        wait_until(lambda: resident.status().photos == 41, "the new photo")

        def listed(name: str) -> tuple[bool, str | None]:
            (found,) = [one for one in resident.extractors() if one.name == name]
            return found.loading, found.error

        wait_until(lambda: listed("mean-colour") == (False, None))
        assert listed("hanging") == (True, None)
        reasons = [reason for name, reason in BAD.items() if name != "hanging"]
        wait_until(lambda: all(r in " ".join(resident.status().problems) for r in reasons))
        assert resident.failures() == []
    finally:
        resident.close()


@pytest.mark.usefixtures("forever")
@pytest.mark.parametrize("first", ["hanging", "stuck"])
def test_another_reads_new_photos_where_the_first_one_hangs(first, home, photos, monkeypatch):
    monkeypatch.setattr(backlog_reader, "YIELDS_SECONDS", 2.0)
    set_setting(home.settings, "extractor", f"{first},mean-colour")
    resident = Resident(home)
    try:
        resident.start()
        resident.add_folder(str(photos))
        report = resident.index()
        assert (report.found, report.failed) == (40, 0)
        assert all(embedded(resident, photo) for photo in photos.iterdir())
        query = Query((str(photos / "3.png"),), limit=3, min_score=0.0)
        answer = resident.similar(query)
        assert (answer.extractor, len(answer.hits)) == ("mean-colour", 3)
        assert [(one.extractor, one.embedded) for one in answer.coming] == [(first, 0)]
        assert f"{first}" in answer.notes[0]
        assert "mean-colour answers until then" in answer.notes[0]
    finally:
        resident.close()
