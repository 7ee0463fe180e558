"""``photofind desktop`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from photofind.cli import main


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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


def test_what_is_present_is_installed_and_all_is_removed(person: Path) -> None:
    assert installed(run()) == set()
    assert {place["name"] for place in run("status") if place["present"]} == {
        "menu", "thunar", "caja"
    }  # fmt: skip
    assert installed(run("install")) == {"menu", "thunar", "caja"}
    assert not any(place["changed"] for place in run("install"))
    assert (person / ".config/Thunar/uca.xml").exists()
    assert not (person / ".local/share/nemo").exists()
    assert installed(run("status", "nemo", "thunar")) == {"thunar"}
    assert installed(run("remove")) == set()
    assert not (person / ".config/Thunar/uca.xml").exists()


def test_those_that_are_named_are_installed_present_or_not() -> None:
    assert installed(run("install", "nemo", "nemo")) == {"nemo"}
    assert installed(run("status")) == {"nemo"}


def test_an_unknown_one_is_said() -> None:
    done = CliRunner().invoke(main, ["desktop", "install", "norton"])
    assert done.exit_code == 1
    assert "photofind cannot be installed in 'norton'" in done.stderr
    assert "thunar" in done.stderr


def test_one_that_refuses_keeps_no_other_from_it_and_fails(person: Path) -> None:
    broken = person / ".config/Thunar/uca.xml"
    broken.parent.mkdir(parents=True)
    broken.write_text("words")
    places = run("install", code=1)
    assert installed(places) == {"menu", "caja"}
    (error,) = [place["error"] for place in places if place["error"]]
    assert "uca.xml cannot be changed" in str(error)
    assert broken.read_text() == "words"


def test_autostart_is_said_and_changed(person: Path) -> None:
    assert installed(run("autostart")) == set()
    assert installed(run("autostart", "on")) == {"daemon", "tray"}
    assert installed(run("autostart")) == {"daemon", "tray"}
    assert installed(run("autostart", "off")) == set()
    assert not list(person.glob(".config/autostart/*"))
