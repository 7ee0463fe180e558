"""Whatever happens to files and folders, the library ends up as a fresh scan would make it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from indexed_folder import IndexedFolder, until

from photofind.images.reading import content_id
from photofind.indexing.excludes import Rules
from photofind.indexing.scan import Found, scan
from photofind.paths import Home
from photofind.settings import Settings

NAMES = st.sampled_from(
    ["a.jpg", "b.jpg", "c.png", "d.xmp", "a.xmp", "e.txt", "odd \udcff\n\u2603.jpg"]
)
FOLDERS = st.sampled_from(["", "one", "two", "one/sub", "two/sub", "one/sub/deep", ".hidden"])
DATA = st.binary(min_size=1, max_size=12)
INSTANT = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Anything(RuleBasedStateMachine):
    """Does to a watched folder what programs and people do."""

    @initialize()
    def begin(self) -> None:
        self.time = 1_000_000_000
        self.root = Path(tempfile.mkdtemp())
        folder = self.root / "photos"
        folder.mkdir()
        # A folder that turns up empty is taken for one that is away.
        (folder / "stays.jpg").write_bytes(b"stays")
        (self.root / "outside").mkdir()
        (self.root / "outside/far.jpg").write_bytes(b"far away")
        self.watched = IndexedFolder(Home(self.root / "home"), folder, Settings())
        self.watched.indexer.start()
        until(lambda: self.watched.indexer.watched(str(folder)) == "events")

    def teardown(self) -> None:
        if hasattr(self, "watched"):
            try:
                self.comes_true()
            finally:
                self.watched.indexer.stop()
                self.watched.library.close()
                shutil.rmtree(self.root)

    def comes_true(self) -> None:
        """Wait until the library holds what is there, and look whether it stays so."""
        until(lambda: self.held() == self.there(), 30)
        time.sleep(0.3)
        assert self.held() == self.there()

    def there(self) -> dict[str, str]:
        """Return the content of each photo that a fresh scan finds, by path."""
        folder = str(self.watched.folder)
        found = scan(folder, Rules(), apart=[str(self.root / "home")])
        contents = {}
        for entry in found:
            if isinstance(entry, Found):
                with suppress(OSError):
                    contents[entry.path] = content_id(Path(entry.path).read_bytes())
        return contents

    def held(self) -> dict[str, str]:
        """Return the content of each photo that the library holds with its own vector."""
        photos = list(self.watched.library.select())
        assert all(photo.failure is None for photo in photos)
        return {
            photo.path: photo.content
            for photo in photos
            if self.watched.embedding(photo.path) is not None
        }

    def at(self, folder: str, name: str = "") -> Path:
        return self.watched.folder / folder / name

    @rule(folder=FOLDERS, name=NAMES, data=DATA)
    def write(self, folder: str, name: str, data: bytes) -> None:
        with suppress(OSError):
            self.at(folder).mkdir(parents=True, exist_ok=True)
            self.at(folder, name).write_bytes(data)

    @rule(folder=FOLDERS, name=NAMES, data=DATA)
    def write_slowly(self, folder: str, name: str, data: bytes) -> None:
        with suppress(OSError), self.at(folder, name).open("ab", buffering=0) as file:
            file.write(data)
            time.sleep(0.02)
            file.write(data)

    @rule(folder=FOLDERS, name=NAMES, data=DATA)
    def replace_it(self, folder: str, name: str, data: bytes) -> None:
        with suppress(OSError):
            self.at(folder, ".saving").write_bytes(data)
            self.at(folder, ".saving").replace(self.at(folder, name))

    @rule(old=FOLDERS, name=NAMES, new=FOLDERS, other=NAMES)
    def move(self, old: str, name: str, new: str, other: str) -> None:
        with suppress(OSError):
            self.at(old, name).rename(self.at(new, other))

    @rule(folder=FOLDERS, name=NAMES)
    def delete(self, folder: str, name: str) -> None:
        with suppress(OSError):
            self.at(folder, name).unlink()

    @rule(folder=FOLDERS.filter(bool))
    def delete_folder(self, folder: str) -> None:
        with suppress(OSError):
            shutil.rmtree(self.at(folder))

    @rule(old=FOLDERS.filter(bool), new=FOLDERS.filter(bool))
    def move_folder(self, old: str, new: str) -> None:
        with suppress(OSError):
            self.at(old).rename(self.at(new))

    @rule(old=FOLDERS.filter(bool))
    def move_out(self, old: str) -> None:
        with suppress(OSError):
            shutil.rmtree(self.root / "out", ignore_errors=True)
            self.at(old).rename(self.root / "out")

    @rule(new=FOLDERS.filter(bool))
    def move_in(self, new: str) -> None:
        with suppress(OSError):
            (self.root / "out").rename(self.at(new))

    @rule(folder=FOLDERS, name=NAMES, to=st.sampled_from(["outside", "outside/far.jpg", "."]))
    def link(self, folder: str, name: str, to: str) -> None:
        """Also links that go round in circles."""
        with suppress(OSError):
            target = self.watched.folder if to == "." else self.root / to
            self.at(folder, "loop" if to == "." else name).symlink_to(target)

    @rule(folder=FOLDERS, name=NAMES, mode=st.sampled_from([0o000, 0o644]))
    def change_mode(self, folder: str, name: str, mode: int) -> None:
        if os.getuid() == 0:  # Nothing is forbidden to root; others could not read it.
            with suppress(OSError):
                self.at(folder, name).chmod(mode)

    @rule(folder=FOLDERS, name=NAMES)
    def touch(self, folder: str, name: str) -> None:
        with suppress(OSError):
            self.time += 1  # The same time twice would hide a change from any scan.
            os.utime(self.at(folder, name), (self.time, self.time))

    @rule()
    def wait(self) -> None:
        self.comes_true()


TestAnything = pytest.mark.timeout(600)(Anything.TestCase)
TestAnything.settings = INSTANT
