"""What terminals are sent that draw pictures, byte by byte, by terminals that answer as they do."""

from __future__ import annotations

import base64
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from waiting import patience

RUN = """
import io
from types import SimpleNamespace
from PIL import Image
from photofind.cli import drawing
from photofind.cli.preview import Picture, print_pictures, wants_pictures

drawing._SECONDS = drawing._TMUX_SECONDS = 60.0  # Both answer, but on a busy machine late.
data = io.BytesIO()
Image.new("RGB", (64, 64), "red").save(data, "PNG")
photofind = SimpleNamespace(
    settings=SimpleNamespace(preview={preview!r}), thumbnail_of=lambda path, side: data.getvalue()
)
if wants_pictures(None, photofind):
    print_pictures(photofind, [Picture("/a.png", "the label")] * 2)
print("end")
"""
SIXEL = {b"\x1b[c": b"\x1b[?62;4;22c"}
KITTY = {b"\x1b[c": b"\x1b[?62;c", b"a=q": b"\x1b_Gi=1;OK\x1b\\\x1b[?62;c"}
DUMB = {b"\x1b[c": b"\x1b[?1;2c", b"a=q": b"\x1b[?1;2c"}
PLACE = "\U0010eeee"


def shown(
    answers: Mapping[bytes, bytes],
    *,
    preview: str = "always",
    piped: bool = False,
    **variables: str,
) -> str:
    """Return what pictures are to a terminal that gives answers, each to what it is asked once."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 1200, 1000))
    waiting, sent = dict(answers), bytearray()

    def answer() -> None:
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:  # The terminal was closed.
                return
            sent.extend(data)
            for asked in [one for one in waiting if one in sent]:
                os.write(master, waiting.pop(asked))

    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(preview=preview)],
        stdin=subprocess.PIPE if piped else terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        # It becomes the terminal of the new session.
        preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", **variables},
    )
    os.close(terminal)
    reader = Thread(target=answer)
    reader.start()
    assert process.wait(patience(60)) == 0, sent.decode()
    reader.join(patience(30))
    os.close(master)
    if process.stdin:
        process.stdin.close()
    text = sent.decode()
    assert text.count("the label") == (0 if preview == "auto" and PLACE not in text else 2)
    assert text.endswith("end\r\n")
    return text


def tmux(folder: Path, told: str) -> dict[str, str]:
    """Return the environment of a pane of a tmux that tells of its terminal."""
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\necho '{told}'\n", "utf-8")
    program.chmod(0o755)
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "TMUX": "/tmp/tmux-1000/default,1,0",
        "TMUX_PANE": "%0",
        "TERM": "tmux-256color",
    }


def picture_in(messages: str) -> Image.Image:
    """Return the picture that kitty's messages hold."""
    parts = re.findall(r"\x1b_Gi=\d+,m=([01]),f=100,q=2;([^\x1b]*)\x1b\\", messages)
    assert [more for more, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
    return Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in parts))))


def test_a_terminal_that_says_so_gets_sixel() -> None:
    text = shown(SIXEL)
    assert "\x1bP" in text
    assert PLACE not in text


@pytest.mark.parametrize("piped", [False, True])
def test_kitty_gets_pictures_and_names_them_by_their_exact_colours(piped: bool) -> None:
    text = shown(KITTY, preview="auto", piped=piped, TERM="xterm-kitty", NO_COLOR="1")
    picture = picture_in(text)
    assert picture.convert("RGB").getpixel((picture.width // 4, picture.height // 2)) == (255, 0, 0)
    (number,) = re.findall(r"a=p,i=(\d+),c=50,r=8,U=1", text)
    red, green, blue = (int(number) >> shift & 255 for shift in (16, 8, 0))
    assert text.count(f"\x1b[38;2;{red};{green};{blue}m{PLACE}") == 8
    assert text.count(PLACE) == 8 * 50


def test_tmux_passes_on_what_draws_and_places_what_names_it(tmp_path: Path) -> None:
    told = "256,RGB,title|xterm-kitty kitty(0.41.1)|on"
    text = shown({}, preview="auto", **tmux(tmp_path, told))
    passed = "".join(re.findall(r"\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\", text))
    assert picture_in(passed.replace("\x1b\x1b", "\x1b")).size == (500, 160)
    rest = re.sub(r"\x1bPtmux;(?:\x1b\x1b|[^\x1b])*\x1b\\", "", text)
    assert "\x1b_" not in rest, "tmux would take it for a title"
    assert rest.count(PLACE) == 8 * 50


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        ("256,RGB,title|xterm-kitty kitty(0.41.1)|off", "allow-passthrough on"),
        ("256,RGB,title|xterm-256color |on", ""),
        ("", ""),  # Its server is gone.
    ],
)
def test_half_blocks_are_shown_where_tmux_passes_nothing_on(
    tmp_path: Path, told: str, hint: str
) -> None:
    text = shown(SIXEL, **tmux(tmp_path, told))  # tmux itself says that it draws sixel.
    assert "\u2580" in text or "\u2584" in text
    assert ("tmux set" in text) == bool(hint)
    assert hint in text
    assert not re.search("\x1b[P_]", text)


def test_tmux_draws_sixel_where_its_terminal_does(tmp_path: Path) -> None:
    assert "\x1bP" in shown(
        SIXEL, **tmux(tmp_path, "256,sixel,title|xterm-256color XTerm(390)|off")
    )


def test_auto_shows_nothing_where_no_pixels_are_drawn() -> None:
    assert "\x1bP" not in shown(DUMB, preview="auto")
    remote = shown({}, preview="auto", TERM="screen-256color")
    assert "\x1b" not in remote, "it is asked nothing"
