"""Notifications, "show in folder" and opening files, with the real services of a session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from fake_program import FakeProgram, make_files
from PIL import Image
from screen import SYSTEM_PYTHON, Screen, need
from waiting import wait_until

from photofind.desktop.notifications import notify
from photofind.errors import DesktopError
from photofind.system.reveal import open_file, show_in_folder

COPIED = """
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk
clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
found = clipboard.wait_for_contents(Gdk.Atom.intern("x-special/gnome-copied-files", False))
print(found.get_data().decode() if found else "")
"""
MAGENTA = (255, 0, 255)


@pytest.fixture
def session(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """The screen; this process uses its session."""
    for name, value in screen.environment.items():
        monkeypatch.setenv(name, value)
    return screen


def test_a_notification_is_shown(session: Screen) -> None:
    daemon = "/usr/lib/notification-daemon/notification-daemon"
    need(daemon)
    session.start(daemon)
    session.wait_for_service("org.freedesktop.Notifications")
    notify("A drive was disconnected", '<b>photos</b> & \udcff "more" 🏖')
    assert session.find("A drive was disconnected", role="label")
    told = session.things()
    assert '<b>photos</b> & ? "more"' in told.replace("\\'", "'")


def test_the_file_is_selected_in_its_folder(session: Screen) -> None:
    need("thunar", "/usr/lib/*/tumbler-1/tumblerd", "/usr/lib/*/girepository-1.0/Gtk-3.0.typelib")
    folder = session.home / "Photos of #1 100% é"
    folder.mkdir()
    chosen = os.path.join(os.fsencode(folder), b"b \xff's.jpg")  # noqa: PTH118
    for path in (chosen, os.fsencode(folder / "a.jpg"), os.fsencode(folder / "c.jpg")):
        colour = MAGENTA if path == chosen else (30, 190, 90)
        Image.new("RGB", (200, 150), colour).save(os.fsdecode(path))
    session.start_thumbnailer()
    session.start("thunar", "--daemon")
    session.wait_for_service("org.freedesktop.FileManager1")
    show_in_folder(os.fsdecode(chosen))
    session.window("--name", "Photos of")
    session.find_colour((30, 190, 90))

    # What is selected is what is copied.
    def copied() -> list[bytes]:
        session.press("ctrl+c")
        told = session.output(SYSTEM_PYTHON, "-c", COPIED).split()
        return [unquote_to_bytes(uri.removeprefix("file://")) for uri in told[1:]]

    wait_until(lambda: copied() == [chosen], "selected file")


def test_without_a_file_manager_on_the_bus_the_folder_is_opened(
    session: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = FakeProgram(tmp_path / "bin", "xdg-open")
    monkeypatch.setenv("PATH", str(opener.path.parent), prepend=":")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    (photo, *_) = make_files(tmp_path / "photos")
    show_in_folder(os.fsdecode(photo))
    assert opener.wait_for_calls() == [[os.fsencode(tmp_path / "photos")]]


def test_files_are_opened_by_the_program_for_them(session: Screen) -> None:
    need("xdg-open", "gio")
    viewer = FakeProgram(session.home / "bin", "viewer")
    entry = session.home / ".local/share/applications/viewer.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text(f"[Desktop Entry]\nType=Application\nName=Viewer\nExec={viewer.path} %f\n")
    subprocess.run(["gio", "mime", "image/jpeg", "viewer.desktop"], check=True)
    for path in make_files(session.home / "photos"):
        Image.new("RGB", (8, 8)).save(os.fsdecode(path))
        open_file(os.fsdecode(path))
        assert viewer.wait_for_calls() == [[path]]
        viewer.forget()


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    for act in (open_file, show_in_folder):
        with pytest.raises(DesktopError, match="does not exist"):
            act(tmp_path / "gone.jpg")


def test_a_program_that_fails_at_once_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "xdg-open"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DesktopError, match="xdg-open failed with exit code 3"):
        open_file(tmp_path)
