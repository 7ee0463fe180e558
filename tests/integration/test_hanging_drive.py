"""A real daemon with a drive that does not answer: the other folders go on, and nothing waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Outcome, environment, photofind
from hanging_drive import HangingDrive
from PIL import Image
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.lifecycle import is_running, stop
from photofind.paths import Home

FEW = 6


def put(folder: Path, count: int, first: int = 0) -> None:
    """Put photos into a folder, none like another."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(data.astronaut())
    for number in range(first, first + count):
        part = picture.rotate(7 * number).crop((96, 96, 416, 416))
        part.save(folder / f"{number}.jpg")


class Daemon:
    """A daemon with a healthy folder and one on a drive that can be made to hang."""

    def __init__(self, home: Home, healthy: Path, drive: HangingDrive) -> None:
        self._home = home
        self.healthy = healthy
        self.drive = drive

    def __call__(self, *arguments: str | Path, **options: Any) -> Outcome:
        """Run a command, which must end in time."""
        env = environment(self._home.root, PHOTOFIND_NO_DAEMON="")
        return photofind(*arguments, env=env, timeout=patience(60.0), **options)

    def status(self) -> Any:
        outcome = self("status", "--json")
        assert outcome.code == 0, outcome.stderr
        return outcome.json

    def folder(self, path: Path) -> Any:
        (found,) = [one for one in self.status()["folders"] if one["path"] == str(path)]
        return found

    def until(self, true: Callable[[], object]) -> None:
        wait_until(true, pause=0.2)

    def is_silent(self) -> bool:
        """Whether the status says that the drive does not answer."""
        status = self.status()
        (folder,) = [one for one in status["folders"] if one["path"] == str(self.drive.place)]
        return (folder["state"], folder["reason"]) == ("offline", "it does not answer") and any(
            line.startswith(f"{self.drive.place} does not answer") for line in status["problems"]
        )

    def follows_the_healthy_folder(self) -> None:
        """Whatever else hangs: new photos are indexed, and queries answered."""
        put(self.healthy, 2, first=100)
        self.until(lambda: self.folder(self.healthy)["photos"] == FEW + 2)
        answer = self("similar", self.healthy / "100.jpg", "--json", "--min-score", "0")
        assert answer.code == 0, answer.stderr
        assert answer.json["hits"]


@pytest.fixture(params=["fuse.sshfs", "fuse.ntfs-3g"], ids=["polled", "watched"])
def daemon(home: Home, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    put(tmp_path / "source", FEW)
    put(tmp_path / "source" / "album", FEW, first=20)
    put(tmp_path / "healthy", FEW, first=40)
    drive = HangingDrive(tmp_path / "source", tmp_path / "drive", request.param)
    daemon = Daemon(home, tmp_path / "healthy", drive)
    try:
        assert daemon("folders", "add", daemon.healthy).code == 0
        yield daemon
    finally:
        drive.close()
        stop(home)
        assert not is_running(home)


def test_a_file_that_hangs_costs_itself_only(daemon: Daemon) -> None:
    daemon.drive.hang("read", "album/23.jpg")
    assert daemon("folders", "add", daemon.drive.place).code == 0
    daemon.until(lambda: daemon.folder(daemon.drive.place)["photos"] == 2 * FEW - 1)
    (failure,) = json.loads(daemon("failures", "--json").stdout)
    assert failure["path"] == str(daemon.drive.place / "album" / "23.jpg")
    assert (failure["reason"], failure["retry"] is None) == ("it does not answer", False)
    assert daemon.folder(daemon.drive.place)["state"] == "online"
    daemon.follows_the_healthy_folder()
    daemon.drive.wake()
    daemon.until(lambda: not json.loads(daemon("failures", "--json").stdout))


@pytest.mark.parametrize("operation", ["lookup", "readdir", "read"])
def test_a_drive_that_hangs_stops_nothing_else(daemon: Daemon, operation: str) -> None:
    daemon.drive.hang(operation)
    added = daemon("folders", "add", daemon.drive.place)
    assert added.code == 0, added.stderr
    daemon.until(daemon.is_silent)
    daemon.follows_the_healthy_folder()
    indexed = daemon("index", daemon.drive.place)
    assert f"{daemon.drive.place} is offline: it does not answer" in indexed.stderr.decode()
    daemon.drive.wake()
    daemon.until(lambda: daemon.folder(daemon.drive.place)["photos"] == 2 * FEW)
    assert daemon.folder(daemon.drive.place)["state"] == "online"
    assert json.loads(daemon("failures", "--json").stdout) == []


@pytest.mark.parametrize("operation", ["any", "readdir"])
def test_known_photos_are_kept_and_found_and_the_folder_can_be_removed(
    daemon: Daemon, operation: str
) -> None:
    assert daemon("folders", "add", daemon.drive.place).code == 0
    daemon.until(lambda: daemon.folder(daemon.drive.place)["photos"] == 2 * FEW)
    daemon.drive.hang(operation)
    assert daemon("index", daemon.drive.place).code in (0, 1)
    daemon.until(daemon.is_silent)
    daemon.follows_the_healthy_folder()
    words = ("similar", daemon.healthy / "40.jpg", "--min-score", "0", "--hits", "50")
    found = daemon(*words, "--json")
    assert any(hit["offline"] for hit in found.json["hits"])
    assert daemon("folders", "remove", daemon.drive.place).code == 0
    assert len(daemon.status()["folders"]) == 1


@pytest.mark.parametrize("operation", ["any", "readdir"])
def test_the_daemon_ends_while_a_drive_hangs(daemon: Daemon, operation: str) -> None:
    assert daemon("folders", "add", daemon.drive.place).code == 0
    daemon.drive.hang(operation)
    daemon("index", daemon.drive.place)
    daemon.until(daemon.is_silent)
    ended = daemon("daemon", "stop")
    assert ended.code == 0, ended.stderr
