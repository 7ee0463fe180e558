"""The command ``photofind desktop``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from photofind.cli import main


@pytest.fixture(autouse=True)
def home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("thunar", "caja"):
        (programs / name).touch(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return tmp_path


def run(*words: str, code: int = 0) -> list[dict[str, object]]:
    done = CliRunner().invoke(main, ["desktop", *words, "--json"])
    assert done.exit_code == code, done.output
    places: list[dict[str, object]] = json.loads(done.stdout)
    return places


def installed(places: list[dict[str, object]]) -> set[object]:
    return {place["name"] for place in places if place["state"] == "installed"}


def test_present_places_are_installed_and_all_are_removed(home_folder: Path) -> None:
    assert installed(run()) == set()
    assert {place["name"] for place in run("status") if place["present"]} == {
        "menu", "thunar", "caja"
    }  # fmt: skip
    assert installed(run("install")) == {"menu", "thunar", "caja"}
    assert not any(place["changed"] for place in run("install"))
    assert (home_folder / ".config/Thunar/uca.xml").exists()
    assert not (home_folder / ".local/share/nemo").exists()
    assert installed(run("status", "nemo", "thunar")) == {"thunar"}
    assert installed(run("remove")) == set()
    assert not (home_folder / ".config/Thunar/uca.xml").exists()


def test_named_places_are_installed_even_if_absent() -> None:
    assert installed(run("install", "nemo", "nemo")) == {"nemo"}
    assert installed(run("status")) == {"nemo"}


def test_an_unknown_place_is_an_error() -> None:
    done = CliRunner().invoke(main, ["desktop", "install", "norton"])
    assert done.exit_code == 1
    assert "photofind cannot be installed in 'norton'" in done.stderr
    assert "thunar" in done.stderr


def test_an_error_in_one_place_does_not_affect_the_others(home_folder: Path) -> None:
    broken = home_folder / ".config/Thunar/uca.xml"
    broken.parent.mkdir(parents=True)
    broken.write_text("words")
    places = run("install", code=1)
    assert installed(places) == {"menu", "caja"}
    (error,) = [place["error"] for place in places if place["error"]]
    assert "uca.xml cannot be changed" in str(error)
    assert broken.read_text() == "words"


def test_autostart_is_shown_and_changed(home_folder: Path) -> None:
    assert installed(run("autostart")) == set()
    assert installed(run("autostart", "on")) == {"daemon", "tray"}
    assert installed(run("autostart")) == {"daemon", "tray"}
    assert installed(run("autostart", "off")) == set()
    assert not list(home_folder.glob(".config/autostart/*"))
