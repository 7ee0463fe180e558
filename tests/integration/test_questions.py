"""Questions from a pipe, by address, many at once; and pictures in a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path
from threading import Thread

from commands import COMMAND, Album, environment, photofind
from waiting import patience

CAT = "2019/chelsea-original.jpg"


def test_a_picture_comes_from_standard_input(album: Album) -> None:
    picture = Path(album.path("2019/chelsea-small.jpg")).read_bytes()
    told = photofind("similar", "-", "--json", "-n", "1", "--all", home=album.home, input=picture)
    assert told.code == 0
    assert told.json["query"]["like"] == ["standard input"]
    assert told.json["hits"][0]["path"].startswith(album.path("2019/chelsea"))
    assert [*(album.home / "cache" / "questions").iterdir()] == []


def test_what_is_no_picture_is_told_in_one_line(album: Album) -> None:
    for data, reason in (
        (b"%PDF-1.7 words", "standard input cannot be used as a query: not a picture"),
        (b"", "standard input is empty"),
    ):
        told = photofind("similar", "-", home=album.home, input=data)
        assert told.code == 1
        assert told.notes[0].startswith(f"photofind: {reason}")
        assert len(told.notes) <= 2
    assert photofind("similar", "-", "-", home=album.home, input=b"").code == 2


def test_addresses_are_paths(album: Album) -> None:
    by_path = photofind("similar", album.path(CAT), "--paths-only", home=album.home)
    address = Path(album.path(CAT)).as_uri().replace("file:///", "file://localhost/")
    assert photofind("similar", address, "--paths-only", home=album.home) == by_path
    assert photofind("similar", "file://elsewhere/a.jpg", home=album.home).code == 2


def test_each_question_has_its_answer(album: Album) -> None:
    paths = [album.path(CAT), album.path("bad/text.jpg"), album.path("2021/moon-original.jpg")]
    told = photofind("similar", "--each", *paths, "-n", "2", home=album.home)
    assert told.code == 1
    answers = [json.loads(line) for line in told.lines]
    assert [answer["query"]["like"] for answer in answers] == [[path] for path in paths]
    assert "not a picture" in answers[1]["error"]
    for place in (0, 2):
        single = photofind("similar", paths[place], "-n", "2", "--json", home=album.home).json
        assert answers[place]["hits"] == single["hits"]
    assert told.notes == ["1 of 3 questions could not be answered"]


def test_pictures_are_shown_in_a_terminal_and_nowhere_else(album: Album) -> None:
    command = [*COMMAND, "similar", album.path(CAT), "-n", "3", "--preview"]
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 1200, 1000))
    sent = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:  # The terminal was closed.
                return
            if not data:
                return
            sent.extend(data)

    reader = Thread(target=read)
    reader.start()
    run = subprocess.run(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env=environment(album.home, TERM="xterm-256color", COLORTERM="truecolor"),
        timeout=patience(120),
        check=False,
    )
    os.close(terminal)
    reader.join(patience(30))
    os.close(master)
    assert run.returncode == 0, run.stderr
    shown = sent.decode()
    assert "\u2580" in shown or "\u2584" in shown, "half blocks, for nobody answers what it can do"
    assert "query chelsea-original" in shown
    assert shown.index("\u2584" if "\u2584" in shown else "\u2580") < shown.rindex("chelsea")
    piped = photofind(*command[len(COMMAND) :], home=album.home)
    assert "\x1b" not in piped.stdout.decode()
