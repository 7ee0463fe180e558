"""The files by which a browser is given a link that nobody else may see."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from waiting import wait_until

from photofind.daemon import doors
from photofind.daemon.doors import Doors, snap_folder
from photofind.errors import LibraryError, RequestError
from photofind.paths import Home

ADDRESS = "http://photofind-0.localhost:1/open/code-_"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user who has Firefox from a snap."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "user")
    snap_folder("firefox").mkdir(parents=True)
    return tmp_path / "user"


def test_a_door_is_for_this_user_alone(home: Home) -> None:
    one, other = (Doors(home).make(code, ADDRESS, None) for code in "ab")
    assert one.parent == home.doors
    assert one != other
    assert len(one.stem) >= 40
    assert ADDRESS in one.read_text("utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.doors.stat().st_mode) == 0o700


def test_nothing_that_is_there_is_written_to(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors.secrets, "token_urlsafe", lambda size: "known")
    home.doors.mkdir(parents=True)
    other = tmp_path / "other"
    (home.doors / "photofind-door-known.html").symlink_to(other)
    with pytest.raises(LibraryError):
        Doors(home).make("a", ADDRESS, None)
    assert not other.exists()


def test_a_door_is_closed_once_or_with_all(home: Home) -> None:
    those = Doors(home)
    paths = [those.make(code, ADDRESS, None) for code in "abc"]
    those.close("a")
    those.close("a")
    those.close("unknown")
    assert [path.exists() for path in paths] == [False, True, True]
    paths[1].unlink()  # By the user.
    those.close_all()
    assert list(home.doors.iterdir()) == []


def test_a_door_that_is_not_used_is_closed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "LINK_SECONDS", 0.01)
    path = Doors(home).make("a", ADDRESS, None)
    wait_until(lambda: not path.exists(), "the door's end")


def test_doors_of_an_ended_daemon_are_removed(home: Home, user: Path) -> None:
    paths = [Doors(home).make("a", ADDRESS, snap) for snap in (None, "firefox", "firefox")]
    past = time.time() - 100
    os.utime(paths[2], (past, past))
    others = [home.doors / "other.html", snap_folder("firefox") / "photofind.html"]
    for other in others:
        other.touch()
        os.utime(other, (past, past))
    Doors(home).clear()
    # One that is fresh may be of a running daemon with another home.
    assert [path.exists() for path in paths] == [False, True, False]
    assert all(other.exists() for other in others)


def test_a_snap_gets_a_door_that_it_can_read(home: Home, user: Path) -> None:
    path = Doors(home).make("a", ADDRESS, "firefox")
    assert path.parent == user / "snap/firefox/common"
    assert path.read_text("utf-8")
    for snap in ("chromium", "", "..", "../../user/snap/firefox", "firefox/../firefox"):
        with pytest.raises(RequestError):
            Doors(home).make("b", ADDRESS, snap)
