"""The first run: ``photofind`` typed where nothing is set up, and answered in a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import COMMAND, environment, photofind
from PIL import Image
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import stop
from photofind.paths import Home


class Terminal:
    """A command in a terminal, whose questions are answered."""

    def __init__(self, *words: str) -> None:
        self._master, terminal = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *words],
            env=environment(PHOTOFIND_NO_DAEMON=""),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        os.set_blocking(self._master, False)
        self.shown = ""

    def answer(self, question: str, typed: str) -> None:
        """Wait for a question, and type an answer to it."""
        self._wait(lambda: question in self.shown, question)
        self.shown = self.shown.split(question, 1)[1]
        os.write(self._master, typed.encode() + b"\n")

    def end(self) -> int:
        """Wait for the end, and return the exit code."""
        self._wait(lambda: self._process.poll() is not None, "end")
        self._read()
        os.close(self._master)
        return self._process.wait()

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            self._read()
            return done()

        try:
            wait_until(look, repr(what), 90.0)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.shown!r}") from None

    def _read(self) -> None:
        try:
            while part := os.read(self._master, 65536):
                self.shown += part.decode().replace("\r", "")
        except OSError:  # Nothing to read now, or nobody who writes any more.
            return


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Home) -> Iterator[Path]:
    """Somebody with a folder of pictures, Thunar, and no screen; their daemon is stopped after."""
    folder = tmp_path / "person"
    for name in ("chelsea", "coffee", "rocket"):
        picture = Image.fromarray(getattr(data, name)()).convert("RGB")
        for number in range(3):
            path = folder / "Pictures" / f"{name}-{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.rotate(2 * number).resize((300, 200)).save(path)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "thunar").touch(0o755)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "test")
    for name in (
        *("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"),
        *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_PICTURES_DIR"),
    ):
        monkeypatch.delenv(name, raising=False)
    yield folder
    stop(home)


def test_three_times_enter_leads_to_the_first_similar_photo(person: Path, home: Home) -> None:
    began = time.monotonic()
    terminal = Terminal()
    terminal.answer(f"Which folder are your photos in? [{person / 'Pictures'}]:", "")
    terminal.answer("to the right-click menu of", "")
    terminal.answer("Start photofind when you log in", "")
    assert terminal.end() == 0
    assert re.search(r"http://photofind-\w+\.localhost:\d+/open/", terminal.shown)
    assert (person / ".config/Thunar/uca.xml").exists()
    assert len(list((person / ".config/autostart").iterdir())) == 2
    query = str(person / "Pictures/coffee-0.jpg")
    with connect_to_running(home) as client:
        wait_until(lambda: client.status().photos >= 9, "indexing", 120, pause=0.1)
    found = photofind("similar", query, "--json", "--all", env=environment(PHOTOFIND_NO_DAEMON=""))
    assert {Path(hit["path"]).name for hit in found.json["hits"][:2]} == {
        "coffee-1.jpg", "coffee-2.jpg"
    }  # fmt: skip
    assert time.monotonic() - began < patience(120)


def test_no_is_taken_for_an_answer_and_another_folder_too(person: Path, home: Home) -> None:
    (person / "Other Photos").mkdir()
    terminal = Terminal()
    terminal.answer("Which folder are your photos in?", "~/nowhere")
    terminal.answer("Which folder are your photos in?", "~/Other Photos")
    terminal.answer("to the right-click menu of", "n")
    terminal.answer("Start photofind when you log in", "n")
    assert terminal.end() == 0
    with connect_to_running(home) as client:
        assert [folder.path for folder in client.folders()] == [str(person / "Other Photos")]
    assert not (person / ".config").exists()
    again = Terminal()
    again.end()
    assert "Usage: photofind" in again.shown


def test_without_a_terminal_the_help_is_printed(person: Path, home: Home) -> None:
    outcome = photofind(stdin=subprocess.DEVNULL)
    assert outcome.code == 2
    assert b"Usage: photofind" in outcome.stdout + outcome.stderr
    assert not home.root.exists()
