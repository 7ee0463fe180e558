"""Plugins that do each of the things that plugins must not do, installed side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from photofind.app.photofind import PhotoFind
from photofind.errors import ExtractorError
from photofind.extractors.extraction import Extraction
from photofind.model import Query
from photofind.settings import set_setting

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"

BAD = {
    "missing": "cannot be loaded: ModuleNotFoundError",
    "raising": "failed: ValueError: no network for this",
    "wrong-shape": "it returned vectors of shape (1, 5), not (1, 3)",
    "not-finite": "it returned vectors with non-finite values",
    "hanging": "it took longer than 10 s to load",
    "exiting": "cannot be loaded: SystemExit",
    "crashing": "SIGSEGV",
    "newer": "needs protocol 3, but this photofind has protocol 2",
}


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=":")
    defaults = dict(Extraction.__init__.__kwdefaults__)
    monkeypatch.setattr(Extraction.__init__, "__kwdefaults__", defaults | {"start_seconds": 10.0})


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (60, 40), (200, 5 * number, 7)).save(folder / f"{number}.png")
    return folder


def test_each_is_named_with_its_error_and_the_others_work(home):
    with PhotoFind(home) as photofind:
        found = {extractor.name: extractor for extractor in photofind.extractors()}
    for name, reason in BAD.items():
        assert reason in found[name].error, name
        assert "\n" not in found[name].error
    for name in ("mobilenet", "mean-colour", "able", "leaking"):  # Colour prints whenever it can.
        assert found[name].error is None, found[name]
    assert "plugins print when they embed" in (home.logs / "extraction.log").read_text()


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
