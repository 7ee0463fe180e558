"""Opening files, and showing them in the file manager, with any file name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from waiting import patience, wait_until

from photofind.errors import DesktopError
from photofind.system import programs
from photofind.system.reveal import open_file, show_in_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="freedesktop.org's programs")

NAMES = [b"-a b.jpg", b"two\nlines.jpg", b"not \xff utf-8.jpg", b"'\"$(touch x)`.jpg"]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a fake xdg-open records its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    notes = tmp_path / "asked"
    program = folder / "xdg-open"
    program.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> "{notes}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))  # There are no other programs.
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.delenv("SYSTEMD_EXEC_PID", raising=False)
    monkeypatch.setattr(programs, "_SOON", patience())  # They end at once, if the machine is idle.
    # No file manager answers.
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    return notes


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_opened_and_shown(tmp_path: Path, asked: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.touch()
    open_file(str(path))
    show_in_folder(str(path))
    assert asked.read_bytes() == os.fsencode(path) + b"\0" + os.fsencode(tmp_path) + b"\0"


def test_missing_files_are_not_opened(tmp_path: Path, asked: Path) -> None:
    for act in (open_file, show_in_folder):
        with pytest.raises(DesktopError, match="does not exist"):
            act(str(tmp_path / "gone.jpg"))
    assert not asked.exists()


def test_a_failing_program_is_reported(tmp_path: Path, asked: Path) -> None:
    (tmp_path / "bin/xdg-open").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(DesktopError, match="xdg-open failed with exit code"):
        open_file(str(tmp_path))


def test_a_name_that_is_not_utf8_does_not_wait_for_xdg_open_to_fail(
    tmp_path: Path, asked: Path
) -> None:
    gio = tmp_path / "bin/gio"
    gio.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> "{asked}"\n')
    gio.chmod(0o755)
    path = tmp_path / os.fsdecode(b"not \xff utf-8.jpg")
    path.touch()
    open_file(str(path))
    assert asked.read_bytes() == b"open\0" + f"file://{tmp_path}/not%20%FF%20utf-8.jpg\0".encode()


def test_a_running_program_leaves_no_zombie(
    tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_SOON", 0.5)
    pid = tmp_path / "pid"
    (tmp_path / "bin/xdg-open").write_text(f'#!/bin/sh\necho $$ > "{pid}"\nexec /bin/sleep 3\n')
    open_file(str(tmp_path))
    wait_until(lambda: pid.exists() and pid.read_text(), "the start of the program")
    process = Path("/proc") / pid.read_text().strip()
    # A zombie would exist until this process ends.
    wait_until(lambda: not process.exists(), "the end of the program", 30)
