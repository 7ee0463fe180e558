"""The server is killed, and those that write to it are: nothing is lost, all goes on by itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from committing import TOGETHER, commit_until_done, faults
from photofind_postgres import open_postgres
from postgres_server import PostgresServer

from photofind.errors import LibraryError
from photofind.model.records import Folder
from photofind.paths import Home
from photofind.settings import Settings

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/integration")]

from indexed_folder import IndexedFolder, until  # noqa: E402


@pytest.fixture(scope="module")
def mortal():
    """A server that may be killed: what it says is committed is on the disk."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def at(mortal, library, tmp_path, monkeypatch):
    """Give the address of a new library there."""
    monkeypatch.setenv("PGPASSFILE", str(mortal.password_file(tmp_path)))
    return lambda **options: mortal.address(library=library, **options)


def opened(address):
    return open_postgres(Home.default(), address, writable=True, resident=True, idle_seconds=None)


def test_kill_9_of_the_server_in_the_midst_of_commits(mortal, at):
    """Each commit is whole or not there, and can be tried again."""
    with opened(at()) as writer, opened(at()) as reader:
        writer.open_space("mobilenet", "1", 16)
        done: list[int] = []

        def numbers():
            number = 0
            while len(done) < 3 or number < 10:
                yield number
                number += 1
                committed.append(number)

        committed: list[int] = []
        thread = threading.Thread(target=commit_until_done, args=(writer, "a", numbers()))
        thread.start()
        for time in range(3):
            before = len(committed)
            until(lambda before=before: len(committed) > before + 2)
            mortal.kill()
            with pytest.raises(LibraryError, match="does not answer"):
                reader.refresh()
            mortal.start()
            done.append(time)
            reader.refresh()
            assert not faults(reader)
        thread.join()
        reader.refresh()
        assert not faults(reader)
        assert reader.count() == writer.count() == TOGETHER * len(committed)


def test_kill_9_of_one_that_commits(mortal, at):
    """What it was committing is whole or not there, and others do not wait for it."""
    committing = Path(__file__).with_name("committing.py")
    with opened(at()) as other:
        other.open_space("mobilenet", "1", 16)
        for name in ("x", "y"):
            with subprocess.Popen(
                [sys.executable, committing, at(), name], stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                for said in process.stdout:
                    if said.strip() == "3":
                        break
                process.kill()
            commit_until_done(other, f"after-{name}", iter([0]))
            assert not faults(other)
        assert other.count() >= TOGETHER * 10


def test_two_machines_go_on_when_the_server_is_back(mortal, at, tmp_path):
    """Each watches its own folder, says that the server is away, and catches up by itself."""
    settings = Settings(extractor="simulated", previews=False, poll_seconds=1)
    machines = []
    try:
        for name in ("attic", "tower"):
            folder = tmp_path / name
            folder.mkdir()
            home = Home(tmp_path / f"home-{name}")
            machine = IndexedFolder(home, folder, settings, opened(at(machine=name)))
            machines.append(machine)
            machine.put("first.jpg", f"first of {name}")
            machine.start_on_old_files()
        attic, tower = machines
        for machine in machines:
            until(lambda machine=machine: machine.has(
                machine.folder / "first.jpg", f"first of {machine.folder.name}".encode()
            ))  # fmt: skip
        mortal.kill()
        for machine in machines:
            machine.put("second.jpg", f"second of {machine.folder.name}")
        for machine in machines:
            until(lambda machine=machine: any(
                "does not answer" in problem for problem in machine.indexer.problems
            ))  # fmt: skip
        mortal.start()
        for machine in machines:
            until(lambda machine=machine: machine.has(
                machine.folder / "second.jpg", f"second of {machine.folder.name}".encode()
            ))  # fmt: skip
            until(lambda machine=machine: not machine.indexer.problems)
        attic.library.refresh()
        assert attic.library.count() == 4
        assert sorted(folder.host.rpartition("@")[2] for folder in attic.library.folders()) == [
            "", "tower"
        ]  # fmt: skip
        own = [str(attic.folder / name) for name in ("first.jpg", "second.jpg")]
        assert sorted(attic.extraction.read) == own
        tower.library.refresh()
        states = {folder.path: folder.state for folder in tower.library.folders()}
        assert states == {str(tower.folder): "online", f"/@attic{attic.folder}": "offline"}
        assert isinstance(tower.library.folders()[0], Folder)
    finally:
        for machine in machines:
            machine.indexer.stop()
            machine.library.close()
