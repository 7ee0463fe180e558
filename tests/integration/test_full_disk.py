"""A real daemon whose home is on a disk that is full, or that can only be read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from commands import Outcome, environment, photofind
from PIL import Image
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.lifecycle import is_running, stop
from photofind.daemon.runtime import read_runtime
from photofind.paths import Home

FEW = 4


class Disk:
    """A disk of few bytes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.mount("-t", "tmpfs", "-o", "size=3m", "tmpfs")

    def mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments, str(self.place)], check=True, capture_output=True)

    def fill(self) -> None:
        """Leave no byte free."""
        for size in (2**16, 1):
            with (self.place / f"filler-{size}").open("ab", buffering=0) as file:
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        for filler in self.place.glob("filler-*"):
            filler.unlink()


class Daemon:
    """A daemon with its home on the disk, and a folder of photos elsewhere."""

    def __init__(self, disk: Disk, photos: Path) -> None:
        self.home = Home(disk.place / "home")
        self.photos = photos

    def __call__(self, *arguments: str | Path) -> Outcome:
        env = environment(self.home.root, PHOTOFIND_NO_DAEMON="")
        return photofind(*arguments, env=env, timeout=patience(60.0))

    def put(self, first: int) -> None:
        picture = Image.fromarray(data.astronaut())
        for number in range(first, first + FEW):
            part = picture.rotate(11 * number).crop((96, 96, 416, 416))
            part.save(self.photos / f"{number}.jpg")

    def status(self) -> Any:
        outcome = self("status", "--json")
        assert outcome.code == 0, outcome.stderr
        return outcome.json

    def answers(self) -> bool:
        outcome = self("similar", self.photos / "0.jpg", "--json", "--min-score", "0")
        return outcome.code == 0 and len(outcome.json["hits"]) >= FEW - 1

    def changes_a_setting(self) -> tuple[int, str | None, bytes]:
        """Ask the API for a change; return its status, when to come back, and what it says."""
        runtime = read_runtime(self.home)
        assert runtime is not None
        connection = HTTPConnection("127.0.0.1", runtime.port, timeout=patience())
        try:
            headers = {
                "Authorization": f"Bearer {runtime.token}",
                "Content-Type": "application/json",
            }
            connection.request("PUT", "/api/settings/hits", '{"value": "13"}', headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Retry-After"), answer.read()
        finally:
            connection.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("disks are mounted by root")
    place = tmp_path / "disk"
    place.mkdir()
    try:
        disk = Disk(place)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def daemon(disk: Disk, tmp_path: Path) -> Iterator[Daemon]:
    photos = tmp_path / "photos"
    photos.mkdir()
    daemon = Daemon(disk, photos)
    daemon.put(0)
    try:
        assert daemon("folders", "add", photos).code == 0
        assert daemon("index").code == 0
        yield daemon
    finally:
        stop(daemon.home)
        assert not is_running(daemon.home)


def test_a_full_disk_is_told_and_embedding_goes_on_once_there_is_space(
    daemon: Daemon, disk: Disk
) -> None:
    disk.fill()
    daemon.put(FEW)
    wait_until(lambda: any("is full" in line for line in daemon.status()["problems"]))
    status, retry_after, said = daemon.changes_a_setting()
    assert (status, retry_after is not None) == (503, True)
    assert b"is full" in said
    assert daemon.answers()
    disk.free()
    wait_until(lambda: daemon.status()["photos"] == 2 * FEW)
    wait_until(lambda: daemon.status()["problems"] == [])


def test_a_daemon_that_cannot_start_says_why_and_commands_answer_without_it(
    daemon: Daemon, disk: Disk
) -> None:
    assert daemon("daemon", "stop").code == 0
    disk.fill()
    started = daemon("daemon", "start")
    assert started.code == 1
    assert "is full" in started.notes[0]
    assert daemon.answers()
    disk.free()
    disk.mount("-o", "remount,ro")
    started = daemon("daemon", "start")
    assert started.code == 1
    assert "Read-only file system" in started.notes[0]
    assert daemon.answers()
    found = daemon("doctor").stdout.decode()
    assert "can only be read" in found
    assert "does not permit its owner" not in found
    disk.mount("-o", "remount,rw")
    # None of it was blamed on the folder.
    (folder,) = daemon.status()["folders"]
    assert folder["state"] == "online"
