"""A real daemon, real photos, and the commands as people and scripts use them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import COMMAND, Outcome, environment, photofind
from PIL import Image, ImageEnhance
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.lifecycle import is_running, stop
from photofind.daemon.runtime import read_runtime, write_runtime
from photofind.paths import Home

NAMES = ("chelsea", "coffee", "astronaut", "rocket", "camera", "coins", "moon", "clock")


class Daemon:
    """Commands that may start a daemon and ask it."""

    def __init__(self, home: Home, photos: Path) -> None:
        self.home = home
        self.photos = photos

    def __call__(self, *arguments: str | bytes | Path, **options: Any) -> Outcome:
        options.setdefault("env", environment(self.home.root, PHOTOFIND_NO_DAEMON=""))
        return photofind(*arguments, **options)

    def json(self, *arguments: str | bytes | Path) -> Any:
        outcome = self(*arguments, "--json")
        assert outcome.code == 0, outcome.stderr
        return outcome.json

    def status(self) -> Any:
        return self.json("status")

    def hits(self, photo: Path, *arguments: str) -> list[str]:
        answer = self.json("similar", photo, *arguments)
        return [Path(hit["path"]).name for hit in answer["hits"]]

    def until(self, true: Callable[[], object]) -> None:
        wait_until(true, "what the daemon was waited for", pause=0.1)

    @property
    def pid(self) -> int:
        runtime = read_runtime(self.home)
        assert runtime is not None
        return runtime.pid


def picture(name: str, brightness: float = 1.0) -> Image.Image:
    image = Image.fromarray(getattr(data, name)()).convert("RGB")
    image.thumbnail((320, 320))
    return ImageEnhance.Brightness(image).enhance(brightness)


@pytest.fixture
def daemon(home: Home, tmp_path: Path) -> Iterator[Daemon]:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in NAMES:
        picture(name).save(photos / f"{name}.jpg")
        picture(name, 1.3).save(photos / f"{name}-bright.jpg")
    yield Daemon(home, photos)
    stop(home)
    assert not is_running(home)


@pytest.fixture
def running(daemon: Daemon) -> Daemon:
    assert daemon("folders", "add", daemon.photos).code == 0
    daemon.until(lambda: daemon.status()["photos"] == 2 * len(NAMES))
    return daemon


def test_adding_a_folder_is_all_there_is_to_do(daemon: Daemon) -> None:
    added = daemon("folders", "add", daemon.photos)
    assert added.code == 0
    assert "in the background" in added.stderr.decode()
    daemon.until(lambda: daemon.status()["photos"] == 2 * len(NAMES))
    status = daemon.status()
    assert status["daemon"]["pid"] == daemon.pid
    daemon.until(lambda: daemon.status()["folders"][0]["watched"] == "events")
    assert daemon.hits(daemon.photos / "coffee.jpg", "-n", "1") == ["coffee-bright.jpg"]
    assert "daemon" in daemon("status").stdout.decode()


def test_the_library_follows_the_folder(running: Daemon, tmp_path: Path) -> None:
    new = running.photos / "grass.jpg"
    picture("grass").save(new)
    running.until(lambda: "grass.jpg" in running.hits(running.photos / "coffee.jpg", "--all"))
    new.rename(running.photos / "renamed.jpg")
    running.until(lambda: "renamed.jpg" in running.hits(running.photos / "coffee.jpg", "--all"))
    (running.photos / "renamed.jpg").unlink()
    running.until(lambda: "renamed.jpg" not in running.hits(running.photos / "coffee.jpg", "--all"))
    (running.photos / "bad.jpg").write_text("no picture")
    running.until(lambda: running.json("failures"))
    outside = tmp_path / "outside.png"
    picture("rocket", 0.8).save(outside)
    assert running.hits(outside)[0] in ("rocket.jpg", "rocket-bright.jpg")


def test_names_of_any_bytes_pass_through(running: Daemon) -> None:
    name = os.fsencode(running.photos) + b"/odd \xff\n%41# \xe2\x98\x83.jpg"
    shutil.copyfile(running.photos / "moon.jpg", name)
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES) + 1)
    outcome = running("similar", name, "--paths-only", "-0")
    assert outcome.code == 0
    assert os.fsencode(running.photos / "moon.jpg") in outcome.stdout.split(b"\0")
    back = running("similar", running.photos / "moon.jpg", "--all", "--paths-only", "-0")
    assert name in back.stdout.split(b"\0")


def test_indexing_through_the_daemon_reports_as_without_it(running: Daemon) -> None:
    report = running.json("index")
    assert (report["found"], report["unchanged"]) == (2 * len(NAMES), 2 * len(NAMES))
    assert "nothing new" in running("index").stderr.decode()


def test_pausing_and_going_on(running: Daemon) -> None:
    assert running("pause", "--for", "1h").code == 0
    assert running.status()["daemon"]["paused"] is True
    assert "paused" in running("status").stdout.decode()
    picture("brick").save(running.photos / "brick.jpg")
    refused = running("index")
    assert refused.code == 1
    assert "photofind resume" in refused.stderr.decode()
    assert running.status()["photos"] == 2 * len(NAMES)
    assert running("resume").code == 0
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES) + 1)
    assert running("pause", "--for", "soon").code == 2


def test_a_pause_outlasts_the_daemon(running: Daemon) -> None:
    assert running("pause").code == 0
    psutil.Process(running.status()["daemon"]["pid"]).kill()
    picture("brick").save(running.photos / "brick.jpg")
    assert running("daemon", "start").code == 0
    for _ in range(3):
        assert running.status()["daemon"]["paused"] is True
        assert running.status()["photos"] == 2 * len(NAMES)
        time.sleep(0.5)
    assert running("resume").code == 0
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES) + 1)
    assert running("daemon", "restart").code == 0
    assert running.status()["daemon"]["paused"] is False
    assert running("pause", "--for", "1s").code == 0
    assert running("daemon", "stop").code == 0
    time.sleep(1.0)
    assert running("daemon", "start").code == 0
    assert running.status()["daemon"]["paused"] is False


def test_what_is_not_the_same_outlasts_the_daemon_a_rename_and_a_new_index(
    running: Daemon,
) -> None:
    photo, copy = running.photos / "grass.jpg", running.photos / "grass small.jpg"
    picture("grass").save(photo)
    picture("grass").resize((180, 180)).save(copy)

    def together() -> bool:
        groups = [{*map(Path, group["paths"])} for group in running.json("duplicates")]
        return any({photo, copy} <= group for group in groups)

    def told_apart() -> set[str]:
        (pair,) = running.json("duplicates", "not-same")
        return {*pair["first"], *pair["second"]}

    running.until(together)
    assert running("duplicates", "not-same", photo, copy).code == 0
    assert not together()
    assert running("daemon", "restart").code == 0
    assert not together()
    copy = copy.rename(running.photos / "renamed.jpg")
    running.until(lambda: str(copy) in told_apart())
    assert not together()
    assert running("daemon", "stop").code == 0
    assert running("doctor", "--repair").code == 0
    assert running("index", "--wait").code == 0
    assert not together()
    assert told_apart() == {str(photo), str(copy)}


def test_a_daemon_of_another_version_is_replaced(running: Daemon) -> None:
    """As it is after an upgrade: the one that runs was started before, and is another."""
    now = read_runtime(running.home)
    assert now is not None
    write_runtime(running.home, now._replace(version="0.0.1"))
    assert running.hits(running.photos / "coffee.jpg", "-n", "1") == ["coffee-bright.jpg"]
    assert read_runtime(running.home) == now._replace(version="0.0.1")  # Installed before it.
    write_runtime(running.home, now._replace(version="0.0.1", started=0.0))
    assert running.status()["daemon"]["pid"] == now.pid  # Whoever only looks starts nothing.
    assert running.hits(running.photos / "coffee.jpg", "-n", "1") == ["coffee-bright.jpg"]
    after = read_runtime(running.home)
    assert after is not None
    assert (after.version, after.pid == now.pid) == (now.version, False)


def test_settings_take_effect_at_once(running: Daemon) -> None:
    assert running("config", "set", "hits", "3").code == 0
    assert len(running.hits(running.photos / "coffee.jpg", "--all")) == 3
    assert running("config", "set", "exclude", "*-bright.jpg").code == 0
    running.until(lambda: running.status()["photos"] == len(NAMES))
    assert running("config", "reset", "exclude").code == 0
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES))
    assert running("config", "set", "hits", "many").code == 1


def test_errors_are_the_same_one_line(running: Daemon, tmp_path: Path) -> None:
    for arguments in (
        ("similar", tmp_path / "nowhere.jpg"),
        ("folders", "remove", tmp_path),
        ("similar", running.photos / "coffee.jpg", "--extractor", "nothing"),
    ):
        through = running(*arguments)
        without = running("--no-daemon", *arguments)
        assert through.code == 1
        assert through.notes[0].startswith("photofind: ")
        if arguments[0] == "similar":  # Without the daemon nothing can be changed meanwhile.
            assert through.notes == without.notes
    locked = running("--no-daemon", "index")
    assert locked.code == 1
    assert "another photofind is writing" in locked.notes[0]


def test_a_killed_daemon_comes_back_with_everything(running: Daemon) -> None:
    children = psutil.Process(running.pid).children(recursive=True)
    before = running.pid
    os.kill(before, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=patience(20))
    assert not alive
    assert running.hits(running.photos / "coffee.jpg", "-n", "1") == ["coffee-bright.jpg"]
    assert running.pid != before
    assert running.status()["photos"] == 2 * len(NAMES)


@pytest.mark.parametrize("name", ["indexing", "queries"])
def test_a_killed_worker_costs_nothing(running: Daemon, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.png"
    picture("rocket", 0.8).save(outside)
    assert running.hits(outside)
    picture("brick").save(running.photos / "brick.jpg")
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES) + 1)
    (victim,) = [
        process["pid"]
        for process in running.status()["daemon"]["processes"]
        if process["name"].startswith(name)
    ]
    os.kill(victim, signal.SIGKILL)
    assert running.hits(outside)
    picture("grass").save(running.photos / "grass.jpg")
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES) + 2)
    assert running.json("failures") == []


def test_the_doctor_finds_and_mends(running: Daemon) -> None:
    checks = running.json("doctor")
    assert {check["state"] for check in checks} == {"ok"}
    assert {"catalog", "disk", "extractor", "watching"} <= {check["name"] for check in checks}
    stop(running.home)
    (space,) = running.home.spaces.iterdir()
    (vectors,) = space.glob("vectors-*")
    damaged = bytearray(vectors.read_bytes())
    damaged[64 + 100] ^= 0xFF
    vectors.write_bytes(damaged)
    running.home.catalog.chmod(0o644)
    found = running("--no-daemon", "doctor")
    assert found.code == 1
    assert "damaged" in found.stdout.decode()
    mended = running("--no-daemon", "doctor", "--repair", "--json")
    assert mended.code == 0
    assert {"repaired", "ok"} == {check["state"] for check in mended.json}
    assert running("daemon", "start").code == 0
    running.until(lambda: running.status()["photos"] == 2 * len(NAMES))
    assert {check["state"] for check in running.json("doctor")} == {"ok"}


def test_the_status_can_be_watched(running: Daemon) -> None:
    watching = subprocess.Popen(
        [*COMMAND, "status", "--watch", "--json"],
        env=environment(running.home.root, PHOTOFIND_NO_DAEMON=""),
        stdout=subprocess.PIPE,
    )
    try:
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        assert first["photos"] == 2 * len(NAMES)
        picture("grass").save(running.photos / "grass.jpg")
        for line in watching.stdout:
            if json.loads(line)["photos"] == 2 * len(NAMES) + 1:
                break
    finally:
        watching.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        watching.wait(patience(20))
    assert watching.returncode == 130


def test_without_a_library_nothing_is_started(home: Home, tmp_path: Path) -> None:
    daemon = Daemon(home, tmp_path)
    assert daemon("similar", tmp_path / "a.jpg").code == 1
    assert daemon("status").code == 0
    assert not home.root.exists()
    assert daemon("pause").code == 1


def test_nothing_is_indexed_yet(daemon: Daemon) -> None:
    assert daemon("daemon", "start").code == 0
    assert daemon("pause").code == 0
    assert daemon("folders", "add", daemon.photos).code == 0
    found = daemon("similar", daemon.photos / "coffee.jpg")
    # Before it was paused the daemon may have begun to fill a space, which answers with no hit.
    assert (found.code, found.notes[0]) in (
        (1, "photofind: nothing is indexed yet"),
        (0, "no photo is indexed yet; `photofind status` says how far that is"),
    )
    assert found.stdout == b""


def test_a_setting_keeps_commands_from_starting_it(daemon: Daemon) -> None:
    assert daemon("config", "set", "autostart_daemon", "false").code == 0
    assert daemon("folders", "add", daemon.photos).code == 0
    assert daemon("index").code == 0
    assert not is_running(daemon.home)
    assert daemon.status()["daemon"] is None
    assert daemon.hits(daemon.photos / "coffee.jpg", "-n", "1") == ["coffee-bright.jpg"]
