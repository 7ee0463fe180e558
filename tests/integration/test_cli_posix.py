"""The commands in terminals, under signals, with names and permissions that only POSIX has."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, Album, environment, photofind
from PIL import Image
from skimage import data
from waiting import patience, wait_until

from photofind.paths import Home

AWKWARD = (
    b"with space.jpg", b"two\nlines.jpg", b"'single' \"double\".jpg", b"-rf.jpg", b"*$HOME`x`.jpg",
    "🏖 海岸 café.jpg".encode(), b"not utf-8 \xff\xfe.jpg", b"\x1b[31mred.jpg", b"back\\slash.jpg",
)  # fmt: skip
CAT = "2019/chelsea-original.jpg"


def in_terminal(*arguments: str, home: Path, columns: int = 80, **streams: Any) -> tuple[int, str]:
    """Run a command with its streams, but for those given, in a terminal; return what it showed."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(home, TERM="xterm-256color"),
        start_new_session=True,
        **{"stdin": terminal, "stdout": terminal, "stderr": terminal, **streams},
    )
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # Linux says EIO when the last process has closed the terminal.
        while part := os.read(master, 65536):
            shown += part
    os.close(master)
    return process.wait(patience()), shown.decode()


def without_privileges() -> None:
    """Make root subject to permissions, as everybody else is; runs in the child."""
    if os.geteuid() == 0 and sys.platform == "linux":
        drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_*: see capabilities(7).
        for capability in (override, search):
            ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Album:
    """A library of photos whose names are hard on scripts."""
    root = tmp_path_factory.mktemp("awkward")
    photos = root / "photos"
    photos.mkdir()
    picture = Image.fromarray(data.coffee()).resize((200, 150))
    names = AWKWARD if sys.platform == "linux" else [n for n in AWKWARD if b"\xff" not in n]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(photos), name), "wb") as file:  # noqa: PTH118, PTH123
            picture.rotate(number).save(file, "JPEG")
    home = root / "home"
    assert photofind("folders", "add", photos, home=home).code == 0
    return Album(home, photos, photofind("index", home=home))


# Names.


def test_awkward_names_arrive_unharmed(awkward: Album) -> None:
    on_disk = {bytes(path) for path in awkward.photos.iterdir()}
    query = bytes(awkward.photos / "with space.jpg")
    asked = ("similar", query, "--all", "--min-score", "0")
    ended = photofind(*asked, "--paths-only", "-0", home=awkward.home).stdout
    assert {*ended.split(b"\0")} == {*(on_disk - {query}), b""}
    hits = photofind(*asked, "--json", home=awkward.home)
    assert hits.stdout.isascii()
    assert {os.fsencode(hit["path"]) for hit in hits.json["hits"]} == on_disk - {query}
    groups = photofind("duplicates", "--json", home=awkward.home).json
    assert {os.fsencode(path) for group in groups for path in group["paths"]} <= on_disk


def test_awkward_names_can_be_asked_for(awkward: Album) -> None:
    paths = sorted(awkward.photos.iterdir())
    typed = [path.name for path in paths]
    outcome = photofind(
        "similar", "--json", "-n", "1", "--", *typed, cwd=awkward.photos, home=awkward.home
    )
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["query"]["like"] == [str(path) for path in paths]


def test_names_cannot_command_a_terminal(awkward: Album) -> None:
    query = str(awkward.photos / "with space.jpg")
    for arguments in (["similar", query, "--all"], ["similar", query, "--all", "--paths-only"]):
        # So wide that no name is wrapped, wherever temporary folders are.
        code, shown = in_terminal(*arguments, home=awkward.home, columns=250)
        assert code == 0
        assert "\x1b[31m" not in shown
        assert "\\x1b[31mred.jpg" in shown.replace("\r\n", "")
    lines = photofind("similar", query, "--all", home=awkward.home).stdout.splitlines()
    assert len(lines) == len([*awkward.photos.iterdir()]) - 1


def test_an_error_about_an_awkward_name_is_one_line(awkward: Album) -> None:
    outcome = photofind("similar", b"no\nsuch \xff\x1b.jpg", home=awkward.home)
    assert outcome.code == 1
    (line,) = outcome.notes
    assert line.endswith(
        "/no\\nsuch \\udcff\\x1b.jpg cannot be used as a query: there is no such file"
    )


# Terminals and pipes.


def test_a_terminal_shows_progress_apart_from_the_answer(tmp_path: Path, album: Album) -> None:
    shutil.copytree(album.photos / "2020", tmp_path / "photos")
    home = tmp_path / "home"
    photofind("folders", "add", tmp_path / "photos", home=home)
    with (tmp_path / "answer").open("w+b") as answer:
        code, shown = in_terminal("index", "--json", home=home, stdout=answer)
        answer.seek(0)
        assert json.load(answer)["new"] == 10
    assert code == 0
    assert "reading photos" in shown
    assert "\x1b[" in shown
    last = [line for line in shown.splitlines() if line.strip()][-1]
    assert re.search(r"10 photos: 10 new, in \d", last)


def test_a_terminal_shows_a_table_in_colour(album: Album) -> None:
    code, shown = in_terminal("similar", album.path(CAT), "-n", "3", "--all", home=album.home)
    assert code == 0
    assert "\x1b[1m" in shown
    assert "score" in shown
    assert max(len(line) for line in re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()) <= 80


@pytest.mark.parametrize("form", [[], ["--json"], ["--paths-only"]], ids=str)
def test_a_pipe_that_is_closed_ends_it_quietly(album: Album, form: list[str]) -> None:
    process = subprocess.Popen(
        [*COMMAND, "similar", album.path(CAT), *form],
        env=environment(album.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    assert process.wait(patience()) == 1


def test_no_stdout_at_all(album: Album) -> None:
    for form in ([], ["--json"], ["--paths-only"]):
        closed = ["sh", "-c", '"$@" >&-', "sh", *COMMAND, "similar", album.path(CAT), *form]
        done = subprocess.run(closed, env=environment(album.home), stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_disk_that_is_full_is_told(album: Album) -> None:
    full = Path("/dev/full")
    with full.open("wb") if full.exists() else (album.home / "x").open("wb") as stdout:
        done = subprocess.run(
            [*COMMAND, "similar", album.path(CAT)],
            env=environment(album.home), stdout=stdout, stderr=subprocess.PIPE,
        )  # fmt: skip
    told = (1, b"photofind: No space left on device\n") if full.exists() else (0, b"")
    assert (done.returncode, done.stderr) == told


def test_an_encoding_that_lacks_characters(awkward: Album) -> None:
    query = str(awkward.photos / "with space.jpg")
    outcome = photofind(
        "similar", query, "--all", env=environment(awkward.home, PYTHONIOENCODING="latin-1")
    )
    assert outcome.code == 0
    assert b"\\U0001f3d6 \\u6d77\\u5cb8 caf\xe9.jpg" in outcome.stdout


# What is not a file that can be read.


def test_a_pipe_is_no_photo(album: Album, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    outcome = photofind("similar", tmp_path / "pipe.jpg", home=album.home)
    assert outcome.code == 1
    (line,) = outcome.notes
    assert line.endswith("pipe.jpg cannot be used as a query: not a regular file")


def test_a_photo_that_may_not_be_read(album: Album, tmp_path: Path) -> None:
    secret = Path(shutil.copy(album.path(CAT), tmp_path / "secret.jpg"))
    secret.chmod(0)
    outcome = photofind("similar", secret, home=album.home, preexec_fn=without_privileges)
    assert outcome.code == 1
    (line,) = outcome.notes
    assert line.startswith(f"photofind: {secret} cannot be used as a query: ")
    assert "permission denied" in line


@pytest.fixture
def locked(album: Album, tmp_path: Path) -> Iterator[Path]:
    """A home that can be read and not written."""
    home = tmp_path / "locked"
    shutil.copytree(album.home, home)
    everything = [home, *home.rglob("*")]
    for path in everything:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield home
    for path in everything:
        path.chmod(0o700)


def test_a_home_that_cannot_be_written_still_answers(locked: Path, album: Album) -> None:
    asked = {"home": locked, "preexec_fn": without_privileges}
    answer = photofind("similar", album.path(CAT), "--json", **asked)
    assert answer.code == 0, answer.stderr
    assert answer.json["photos"] == 51
    assert photofind("status", "--json", **asked).json["photos"] == 51
    for arguments in (
        ["folders", "add", str(album.photos / "2020")],
        ["index"],
        ["config", "set", "hits", "3"],
    ):
        outcome = photofind(*arguments, **asked)
        assert outcome.code == 1
        assert outcome.notes[0].startswith("photofind: ")
        assert "Permission denied" in outcome.notes[0]
        assert len(outcome.notes) <= 2


# Ctrl-C.


def test_what_was_indexed_before_ctrl_c_is_kept(home: Home, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(data.rocket()).resize((1500, 1000)).save(tmp_path / "large.jpg", quality=95)
    large = (tmp_path / "large.jpg").read_bytes()
    for number in range(80):  # What follows the picture makes another content of it.
        photo = photos / f"{number:03}.jpg"
        photo.write_bytes(large + str(number).encode())
        os.utime(photo, (1_700_000_000 + number,) * 2)  # The newest is read first.
    photofind("folders", "add", photos)
    indexing = subprocess.Popen(
        [*COMMAND, "index"], env=environment(), start_new_session=True, stderr=subprocess.PIPE
    )

    def has_begun() -> bool:
        assert indexing.poll() is None
        return any(path.stat().st_size for path in home.spaces.glob("*/vectors*"))

    wait_until(has_begun, "a vector")
    os.killpg(indexing.pid, signal.SIGINT)  # As a terminal does: to the children too.
    _, notes = indexing.communicate(timeout=patience())
    assert indexing.returncode == 130
    assert notes.decode().splitlines() == [
        "everything indexed so far is kept; `photofind index` continues from there",
        "photofind: interrupted",
    ]
    kept = photofind("status", "--json").json["photos"]
    assert 0 < kept < 80

    for number in range(50):  # Those that are read last.
        (photos / f"{number:03}.jpg").unlink()
    report = photofind("index", "--json").json
    assert report["found"] == 30
    assert report["unchanged"] == min(kept, 30)
    assert photofind("status", "--json").json["photos"] == 30
