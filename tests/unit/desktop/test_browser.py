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

from photofind.cli.similar import similar
from photofind.daemon.client import Client
from photofind.desktop.browser import open_in_browser, page_path
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
    options = {option for one in similar.params for option in one.opts}
    assert {name for one in QUERY_FIELDS.values() for name in one.options} <= options | {"IMAGES"}
    state = (files("photofind.web") / "static" / "state.js").read_text("utf-8")
    for one in QUERY_FIELDS.values():
        for name in filter(None, (one.url, one.url_path)):
            assert f'name === "{name}"' in state, "the page reads it"


def test_the_chosen_browser_gets_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = FakeProgram(tmp_path / "bin", "browser")
    monkeypatch.setenv("BROWSER", f"{shlex.quote(str(browser.path))} --new %s")
    address = "http://127.0.0.1:1/open/code-_"
    assert open_in_browser(address)
    assert browser.wait_for_calls() == [[b"--new", address.encode()]]


def test_without_a_display_no_browser_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = FakeProgram(tmp_path, "w3m")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not open_in_browser("http://127.0.0.1:1/")
    assert browser.calls() == []


def test_output_of_the_browser_is_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    noisy = tmp_path / "xdg-open"
    noisy.write_text("#!/bin/sh\necho out; echo error >&2\n")
    noisy.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DISPLAY", ":nowhere")
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    assert open_in_browser("http://127.0.0.1:1/")
    print("seen")
    assert capfd.readouterr() == ("seen\n", "")
