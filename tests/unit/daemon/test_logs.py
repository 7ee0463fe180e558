"""The daemon's log, in files; what goes to a terminal or to systemd is seen in a process."""

from __future__ import annotations

import errno
import io
import logging
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from photofind.daemon.logs import log_file, read_log, set_up_logging
from photofind.paths import Home

if sys.platform == "win32":
    pytest.skip("it has other terminals", allow_module_level=True)


@pytest.fixture
def log(home: Home) -> Iterator[logging.Logger]:
    """A logger whose messages go to the log of ``home``, and to it alone."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    root.handlers.clear()  # pytest's own would be closed.
    set_up_logging(home, "info")
    yield logging.getLogger("photofind.test")
    for handler in root.handlers:
        handler.close()
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(False)


def test_lines_have_a_time_and_a_level(home: Home, log: logging.Logger) -> None:
    log.debug("not this")
    log.info("this")
    (line,) = read_log(home, 10)
    assert line.endswith(" INFO photofind.test: this")
    assert line[:4] == time.strftime("%Y")
    assert log_file(home).stat().st_mode & 0o777 == 0o600


def test_no_name_breaks_a_line(home: Home, log: logging.Logger) -> None:
    log.warning("%s cannot be read", "two\nlines \x1b[31m \udcff é 海.jpg")
    (line,) = read_log(home, 10)
    assert line.endswith(r": two\nlines \x1b[31m \udcff é 海.jpg cannot be read")


def test_it_stays_small_and_private(home: Home, log: logging.Logger) -> None:
    for number in range(6000):
        log.info("%05d %s", number, "x" * 900)
    files = sorted(home.logs.iterdir())
    assert [file.name for file in files] == ["daemon.log", *(f"daemon.log.{n}" for n in (1, 2, 3))]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert max(file.stat().st_size for file in files) <= 1_000_000
    numbers = [int(line.split()[4]) for line in read_log(home, 1500)]
    assert numbers == [*range(4500, 6000)]
    assert [*read_log(home, 0)] == []


def test_what_comes_is_followed_into_a_new_file(home: Home, log: logging.Logger) -> None:
    log.info("first")
    followed = read_log(home, 5, follow=True)
    assert next(followed).endswith("first")
    log.info("second")
    assert next(followed).endswith("second")
    log.info("third")
    logging.getLogger().handlers[0].doRollover()  # type: ignore[attr-defined]
    log.info("fourth")
    assert [next(followed).split()[-1] for _ in range(2)] == ["third", "fourth"]


def test_a_log_that_is_not_there_yet_is_waited_for(home: Home) -> None:
    assert [*read_log(home, 5)] == []
    followed = read_log(home, 5, follow=True)

    def write() -> None:
        home.logs.mkdir(parents=True)
        log_file(home).write_text("half a line\nand no")

    writing = threading.Timer(0.3, write)
    writing.start()
    assert next(followed) == "half a line"
    writing.join()


def test_a_thread_that_fails_is_logged(home: Home, log: logging.Logger) -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    thread = threading.Thread(target=fail, name="watching")
    thread.start()
    thread.join()
    lines = [*read_log(home, 20)]
    assert "thread watching failed" in lines[0]
    assert lines[-1] == "ValueError: no such thing"


SAYING = """
import logging, os, sys
from photofind.daemon.logs import set_up_logging
from photofind.paths import Home
if sys.argv[1:]:
    found = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
set_up_logging(Home.default(), "info")
log = logging.getLogger("photofind.test")
log.info("well")
log.warning("less so")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("not at all")
"""


def test_the_journal_is_told_priorities(home: Home) -> None:
    told = subprocess.run(
        [sys.executable, "-c", SAYING, "journal"], stderr=subprocess.PIPE, text=True, check=True
    ).stderr.splitlines()
    assert told[:3] == ["<6>well", "<4>less so", "<3>not at all"]
    assert {line[:3] for line in told[2:]} == {"<3>"}
    assert told[-1] == "<3>ZeroDivisionError: division by zero"


def test_a_terminal_is_told_and_a_pipe_is_not(home: Home) -> None:
    quiet = subprocess.run([sys.executable, "-c", SAYING], stderr=subprocess.PIPE, check=True)
    assert quiet.stderr == b""
    master, terminal = pty.openpty()
    subprocess.run([sys.executable, "-c", SAYING], stderr=terminal, check=True)
    os.close(terminal)
    said = b""
    with suppress(OSError):  # So Linux says that it was all; it comes piece by piece.
        while piece := os.read(master, 4096):
            said += piece
    os.close(master)
    told = said.decode().splitlines()
    assert told[:2] == ["INFO: well", "WARNING: less so"]
    assert len([line for line in read_log(home, 100) if "INFO photofind.test: well" in line]) == 2


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_on_a_full_disk_is_done_without(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (handler,) = [one for one in logging.getLogger().handlers if hasattr(one, "baseFilename")]
    monkeypatch.setattr(handler, "stream", Full())
    log.warning("the disk is full")
    assert capsys.readouterr().err == ""
