"""No text from outside makes a terminal do anything, whatever command prints it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from commands import environment, photofind
from PIL import Image
from skimage import data
from waiting import patience

from photofind.app.photofind import PhotoFind
from photofind.paths import Home

OBEYED = (
    "\x1b]0;title\x07", "\x1b[66;6Hmoved", "\x9b66;6H", "over\rwritten", "back\x08space", "\x7f",
    "\u202egpj.exe", "\u202a\u202b\u202c\u202d", "\u2066\u2067\u2068\u2069", "\u200e\u200f\u061c",
)  # fmt: skip
HOSTILE = " ".join(OBEYED)
RULE = "\x1bc\r\u202e*.gif"  # A [ would have to be closed.
MARKS = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"}

# What tables, bars and the live view are drawn with: colours, the cursor, a line emptied.
OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A|\r+\n|\r(?=\x1b)")

RUN = """
import json, sys, traceback
from photofind.cli import main
for number, arguments in enumerate(json.loads(sys.stdin.readline())):
    print(f"@{number}", flush=True)
    try:
        main(arguments, prog_name="photofind")
    except SystemExit as end:
        print(f"@{number} ended with {end.code}", flush=True)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        print(f"@{number} failed", flush=True)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    """A library with nothing but hostile names, a failure, duplicates, rules and a log."""
    home = Home(tmp_path_factory.mktemp("home") / "photofind")
    folder = tmp_path_factory.mktemp("photos") / HOSTILE
    folder.mkdir()
    for number, text in enumerate(OBEYED):
        Image.fromarray(data.chelsea()).resize((64 + number, 64)).save(folder / f"{text}.png")
    shutil.copy(folder / f"{OBEYED[0]}.png", folder / f"copy {HOSTILE}.png")
    (folder / f"broken {HOSTILE}.jpg").write_bytes(b"no picture")
    added = photofind("folders", "add", folder, "--exclude", RULE, home=home.root)
    assert added.code == 0, added.stderr
    assert photofind("index", home=home.root).code == 0
    with PhotoFind(home) as one:
        one.set_setting("exclude", RULE)
    home.logs.mkdir(exist_ok=True)
    (home.logs / "daemon.log").write_text(f"2026-01-01 INFO photofind: {HOSTILE}\n", "utf-8")
    return home, folder


def in_terminal(home: Home, commands: list[list[str]]) -> dict[int, str]:
    """Run commands one after another in a terminal; return what it was sent for each."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=terminal,
        env=environment(home.root, TERM="xterm-256color", PYTHONUTF8="1"),
        start_new_session=True,
    )
    os.close(terminal)
    assert process.stdin is not None
    with process.stdin as stdin:
        stdin.write(json.dumps(commands).encode() + b"\n")
    sent = b""
    with suppress(OSError):  # Linux says EIO when the last process has closed the terminal.
        while part := os.read(master, 65536):
            sent += part
    os.close(master)
    assert process.wait(patience()) == 0
    parts = re.split(r"^@(\d+)\r?\n", sent.decode(), flags=re.MULTILINE)
    return dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))


def obeyed(sent: str) -> list[str]:
    """Return what a terminal would obey in a text, but for what photofind itself draws."""
    rest = OWN.sub("\n", sent)
    return [c for c in rest if c in MARKS or (unicodedata.category(c) == "Cc" and c != "\n")]


def test_names_reach_no_terminal_as_they_are(library: tuple[Home, Path]) -> None:
    home, folder = library
    photo = str(folder / f"{OBEYED[0]}.png")
    missing = str(folder / f"missing {HOSTILE}.jpg")
    printing = [
        ["similar", photo],
        ["similar", photo, "--all", "--paths-only"],
        ["duplicates"],
        ["failures"],
        ["folders"],
        ["status"],
        ["config"],
        ["config", "get", "exclude"],
        ["doctor"],
        ["daemon", "logs"],
        # What was typed, in usage errors and others.
        ["similar", missing],
        ["similar", photo, "--not", missing],
        ["similar", photo, f"--{HOSTILE}"],
        ["similar", photo, "-n", HOSTILE],
        ["similar", photo, "--since", HOSTILE],
        ["similar", photo, "--extractor", HOSTILE],
        ["--debug", "similar", missing],
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["config", HOSTILE],
        ["config", "get", HOSTILE],
        ["config", "set", "hits", HOSTILE],
        ["config", "set", HOSTILE, "1"],
        ["config", "set", "exclude", f"[9-0]{HOSTILE}"],
        ["config", "set", "extractor", HOSTILE],
        ["config", "set", "store", HOSTILE],
        ["extractors", "use", HOSTILE],
        ["extractors", "info", HOSTILE],
        ["extractors", "remove", HOSTILE],
        ["plugins", "new", HOSTILE],
        ["folders", "add", missing],
        ["folders", "remove", missing],
        ["web", missing],
    ]
    others = [
        ["tags"],
        ["count", "--in", str(folder)],
        ["extractors"],
        ["daemon", "status"],
        ["index", "--retry-failed"],
        ["similar", photo, "--tag", HOSTILE],
        ["extractors", "add", missing],
        ["tags", HOSTILE],
        ["index", missing],
    ]
    commands = [*printing, *others]
    sent = in_terminal(home, commands)
    assert len(sent) == len(commands)
    for number, arguments in enumerate(commands):
        assert not obeyed(sent[number]), (arguments, sent[number])
        assert "over\rwritten" not in sent[number], arguments
        if number < len(printing):
            assert "\\x1b" in sent[number].replace("\r\n", ""), (arguments, sent[number])


def test_json_keeps_names_exactly(library: tuple[Home, Path]) -> None:
    home, folder = library
    (listed,) = photofind("folders", "--json", home=home.root).json
    assert listed["path"] == str(folder)
    assert listed["excludes"] == [RULE]
    (failure,) = photofind("failures", "--json", home=home.root).json
    assert failure["path"] == str(folder / f"broken {HOSTILE}.jpg")
