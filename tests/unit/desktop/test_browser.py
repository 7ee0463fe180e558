"""The address of the page, and opening it in the browser."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_program import ODD_NAMES, FakeProgram
from waiting import patience

from photofind.cli.similar import similar
from photofind.daemon.client import Client
from photofind.desktop.browser import page_path, show_page
from photofind.errors import LibraryError
from photofind.model import PhotoDetails, Query
from photofind.query_fields import QUERY_FIELDS

PHOTO = PhotoDetails(
    id=5, path="", size=1, modified=1, width=1, height=1, format="JPEG", captured=None,
    camera=None, latitude=None, longitude=None, keywords=(), caption=None, failure=None,
    offline=False, preliminary=False, spaces=(),
)  # fmt: skip


@dataclass
class FakeClient:
    """A client with photos in /library, one of which has failed."""

    def photo(self, photo: str) -> PhotoDetails:
        if not photo.startswith("/library/"):
            raise LibraryError("it is not in the library")
        return replace(PHOTO, failure="truncated") if "bad" in photo else PHOTO


def page(like: Sequence[str], unlike: Sequence[str] = (), **filters: Any) -> str:
    return page_path(cast("Client", FakeClient()), Query(tuple(like), tuple(unlike), **filters))


def test_photos_in_the_library_are_given_by_id() -> None:
    assert page(["/library/a.jpg"]) == "/?like=5"
    assert page(["/library/a.jpg"] * 2, ["/library/b.jpg"]) == "/?like=5&like=5&unlike=5"
    assert page([]) == "/"


def test_other_photos_are_given_by_path() -> None:
    paths = [os.fsdecode(b"/else where/" + name) for name in ODD_NAMES]
    address = page(paths, paths[:1])
    assert address.isascii()
    assert not set(address) & set(" \n\t\"'<>\\")
    query = parse_qs(urlsplit(address).query, errors="surrogateescape")
    assert query == {"path": paths, "unpath": paths[:1]}


def test_failed_photos_are_given_by_path() -> None:
    assert page(["/library/bad.jpg"]) == "/?path=%2Flibrary%2Fbad.jpg"


def test_set_filters_are_passed_on() -> None:
    filters = {"folder": "/a b&c", "since": "2021", "until": None, "min_score": 0.5}
    assert page([], **filters) == "/?folder=%2Fa%20b%26c&since=2021&min=0.5"
    assert page([], tags=("hot dog", "sea")) == "/?tag=hot%20dog&tag=sea"
    assert page([], tags=()) == "/"


def test_every_field_of_a_query_has_its_names() -> None:
    assert set(QUERY_FIELDS) == {field.name for field in fields(Query)}
    options = {option for one in similar.params for option in (*one.opts, *one.secondary_opts)}
    names = {name for one in QUERY_FIELDS.values() for name in "/".join(one.options).split("/")}
    assert names <= options | {"IMAGES"}
    state = (files("photofind.web") / "static" / "state.js").read_text("utf-8")
    for one in QUERY_FIELDS.values():
        for name in filter(None, (one.url, one.url_path)):
            assert f'name === "{name}"' in state, "the page reads it"


class FakeDoors:
    """A client that makes doors."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "a door.html"
        self.snap: str | None = None

    def door(self, path: str, snap: str | None = None) -> str:
        assert path == "/?like=5"
        self.snap = snap
        return str(self.file)


def show(doors: FakeDoors) -> bool:
    return show_page(cast("Client", doors), "/?like=5")


@pytest.fixture
def doors(tmp_path: Path) -> FakeDoors:
    return FakeDoors(tmp_path)


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the programs of a desktop, which does not say who opens what."""
    for name in ("BROWSER", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":nowhere")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    monkeypatch.setattr("photofind.system.programs._SOON", patience())
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def handlers(programs: Path, browser: str, pages: str) -> None:
    """Have the desktop open addresses and files with these desktop entries."""
    program = programs / "xdg-mime"
    program.write_text(
        '#!/bin/sh\n[ "$1 $2" = "query default" ] || exit 1\n'
        f'case $3 in x-scheme-handler/http) echo "{browser}";; text/html) echo "{pages}";; esac\n'
    )
    program.chmod(0o755)


def test_the_chosen_browser_gets_the_door(
    doors: FakeDoors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = FakeProgram(tmp_path / "bin", "browser")
    monkeypatch.setenv("BROWSER", f"{shlex.quote(str(browser.path))} --new %s")
    assert show(doors)
    assert browser.wait_for_calls() == [[b"--new", doors.file.as_uri().encode()]]


def test_the_desktop_opens_the_door(doors: FakeDoors, display: Path) -> None:
    handlers(display, "", "")
    opener = FakeProgram(display, "xdg-open")
    assert show(doors)
    assert opener.wait_for_calls() == [[doors.file.as_uri().encode()]]
    handlers(display, "browser.desktop", "browser.desktop")
    assert show(doors)
    assert len(opener.wait_for_calls(2)) == 2
    assert doors.snap is None


def test_an_editor_of_pages_does_not_get_the_door(doors: FakeDoors, display: Path) -> None:
    handlers(display, "browser.desktop", "editor.desktop")
    launcher = FakeProgram(display, "gtk-launch")
    assert show(doors)
    assert launcher.wait_for_calls() == [[b"browser.desktop", doors.file.as_uri().encode()]]


def test_without_a_launcher_the_desktop_opens_the_door(doors: FakeDoors, display: Path) -> None:
    handlers(display, "browser.desktop", "editor.desktop")
    launcher = display / "gtk-launch"
    launcher.write_text("#!/bin/sh\nexit 1\n")
    launcher.chmod(0o755)
    opener = FakeProgram(display, "xdg-open")
    assert show(doors)
    assert opener.wait_for_calls() == [[doors.file.as_uri().encode()]]


def test_a_browser_from_a_snap_gets_a_door_that_it_can_read(
    doors: FakeDoors, display: Path, tmp_path: Path
) -> None:
    entry = "firefox_firefox.desktop"
    handlers(display, entry, entry)
    FakeProgram(display, "xdg-open")
    assert show(doors)
    assert doors.snap is None  # It keeps no files here.
    (tmp_path / "user/snap/firefox/common").mkdir(parents=True)
    assert show(doors)
    assert doors.snap == "firefox"


def test_without_a_display_no_browser_is_looked_for(
    doors: FakeDoors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = FakeProgram(tmp_path, "w3m")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not show(doors)
    assert browser.calls() == []


def test_output_of_the_browser_is_discarded(
    doors: FakeDoors, display: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers(display, "", "")
    noisy = display / "xdg-open"
    noisy.write_text("#!/bin/sh\necho out; echo error >&2\n")
    noisy.chmod(0o755)
    assert show(doors)
    print("seen")
    assert capfd.readouterr() == ("seen\n", "")
