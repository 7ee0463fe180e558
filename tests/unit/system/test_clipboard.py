"""What is in the clipboard, by fake programs that hold it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from photofind.errors import DesktopError
from photofind.system.addresses import local_path
from photofind.system.clipboard import Clipboard, read_clipboard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs are Linux's")

PICTURE = b"\x89PNG\r\n\x1a\n\0\xff"


@pytest.fixture(params=["xclip", "wl-paste"])
def holds(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Have the clipboard hold some types, each with its bytes."""
    program: str = request.param
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY" if program == "wl-paste" else "DISPLAY", ":9")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def hold(**types: bytes) -> None:
        names = {name.replace("_", "/", 1).replace("_", "-"): v for name, v in types.items()}
        for name, content in names.items():
            (tmp_path / name.replace("/", "|")).write_bytes(content)
        (tmp_path / "types").write_text("".join(f"{name}\n" for name in names))
        script = tmp_path / program
        script.write_text(
            "#!/bin/sh\n"
            "for last; do :; done\n"
            f"cd '{tmp_path}'\n"
            'case "$last" in\n'
            "TARGETS|--list-types) exec cat types;;\n"
            '*) exec cat "$(printf %s "$last" | tr / "|")";;\n'
            "esac\n"
        )
        script.chmod(0o755)

    return hold


def test_a_picture_is_given_as_it_is(holds) -> None:
    holds(TARGETS=b"", image_png=PICTURE, image_jpeg=b"other", text_plain=b"words")
    assert read_clipboard() == Clipboard(picture=PICTURE)


def test_copied_files_come_before_a_picture_of_them(holds) -> None:
    holds(
        image_png=PICTURE,
        text_uri_list=b"# comment\r\nfile:///tmp/caf%C3%A9%20%FF.jpg\r\nhttps://a.org/b.jpg\r\n",
    )
    assert read_clipboard() == Clipboard(("/tmp/caf\xe9 \udcff.jpg",))


def test_the_form_of_file_managers_is_read(holds) -> None:
    holds(**{"x-special_gnome_copied_files": b"copy\nfile:///a.jpg\nfile://localhost/b.jpg"})
    assert read_clipboard() == Clipboard(("/a.jpg", "/b.jpg"))


def test_words_are_no_picture(holds) -> None:
    holds(text_plain=b"words")
    with pytest.raises(DesktopError, match="there is no picture in the clipboard"):
        read_clipboard()


@pytest.mark.parametrize(
    ("display", "package"), [("WAYLAND_DISPLAY", "wl-clipboard"), ("DISPLAY", "xclip")]
)
def test_what_is_missing_is_named(
    display: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv(display, ":9")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DesktopError, match="is not installed") as told:
        read_clipboard()
    assert package in told.value.hint


def test_without_a_display_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DesktopError, match="no display"):
        read_clipboard()


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///a/b%20c.jpg", "/a/b c.jpg"),
        ("FILE://LocalHost/a%3F%23.jpg", "/a?#.jpg"),
        ("file:///caf%C3%A9/%FF", "/caf\xe9/\udcff"),
        ("file://other/a.jpg", None),
        ("https://a.org/b.jpg", None),
        ("/a/b.jpg", None),
        ("", None),
    ],
)
def test_addresses_of_files_are_paths(address: str, path: str | None) -> None:
    assert local_path(address) == path
