"""Whatever happened to the files, scanning again makes the library what a new one would be."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from simulated import SPACE, SimulatedExtraction, add, embedding_in, run

from photofind.images.formats import is_photo
from photofind.images.reading import content_id
from photofind.indexing import batches
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo

names = st.sampled_from(["a.jpg", "b.jpg", "c.png", "d.heic"])
folders = st.sampled_from(["", "x", "x/y", "inner", ".hidden"])
places = st.builds(lambda folder, name: str(Path(folder) / name), folders, names)
numbers = st.integers(0, 50)
contents = st.sampled_from([b"one", b"two", b"six", b"three", b"broken", b""])


def is_overwritten(photo: Photo) -> bool:
    path = Path(photo.path)
    return path.is_file() and content_id(path.read_bytes()) != photo.content


class Files(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp())
        self.root = self.top / "photos"
        (self.root / "inner").mkdir(parents=True)
        # So that the folder never looks like that of a drive that is not mounted.
        (self.root / "notes.txt").touch()
        (self.root / "inner" / "notes.txt").touch()
        self.clock = itertools.count(1)
        self.library = MemoryStore()
        add(self.library, self.root, self.root / "inner")

    def teardown(self) -> None:
        self.index()
        shutil.rmtree(self.top)

    def files(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if is_photo(path.name))

    def pick(self, number: int) -> Path | None:
        files = self.files()
        return files[number % len(files)] if files else None

    def place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @initialize()
    def begin(self) -> None:
        for name, content in (("a.jpg", b"one"), ("b.jpg", b"two"), ("x/a.jpg", b"three")):
            self.write(name, content)
        self.index()

    @rule(name=places, content=contents)
    def write(self, name: str, content: bytes) -> None:
        path = self.place(name)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        # Few times, so that files are often alike in all but their content.
        os.utime(path, ns=(0, 1_000_000_000 * (next(self.clock) // 4)))

    @rule(number=numbers, to=places)
    def rename(self, number: int, to: str) -> None:
        if source := self.pick(number):
            source.replace(self.place(to))

    @rule(one=numbers, other=numbers)
    def swap(self, one: int, other: int) -> None:
        first, second = self.pick(one), self.pick(other)
        if first and second and first != second:
            aside = self.root / "aside"
            first.rename(aside)
            second.rename(first)
            aside.rename(second)

    @rule(number=numbers, to=places, keep_source=st.booleans())
    def copy(self, number: int, to: str, keep_source: bool) -> None:
        source = self.pick(number)
        if source and source != self.root / to:
            # Never into the old file: it may be a hard link of the source.
            self.place(to).unlink(missing_ok=True)
            shutil.copy2(source, self.root / to)
            if not keep_source:
                source.unlink()

    @rule(number=numbers, to=places)
    def hard_link(self, number: int, to: str) -> None:
        if (source := self.pick(number)) and not self.place(to).exists():
            (self.root / to).hardlink_to(source)

    @rule(number=numbers, again=contents)
    def replace_after_renaming(self, number: int, again: bytes) -> None:
        if source := self.pick(number):
            name = str(source.relative_to(self.root))
            source.replace(source.with_name("old.jpg"))
            self.write(name, again)

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        if path := self.pick(number):
            path.unlink()

    @rule(number=numbers)
    def describe(self, number: int) -> None:
        if path := self.pick(number):
            path.with_suffix(".xmp").write_text(str(next(self.clock)))

    @rule(source=st.sampled_from(["x", "x/y", ".hidden"]), to=st.sampled_from(["z", "x/z"]))
    def move_folder(self, source: str, to: str) -> None:
        free = not (self.root / to).exists() and (self.root / to).parent.is_dir()
        if free and (self.root / source).is_dir() and not to.startswith(source):
            (self.root / source).rename(self.root / to)

    def touch_what_nothing_betrays(self) -> None:
        """Give a new time to files that nothing but their content tells from a known photo.

        That is, from the one that was at their path, or the one that had their inode.
        """
        known = list(self.library.select())
        inodes = {(photo.size, photo.modified, photo.inode): photo for photo in known}
        names = {(photo.size, photo.modified, photo.path): photo for photo in known}
        for path in self.files():
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            twin = inodes.get((*stamp, status.st_ino)) or names.get((*stamp, str(path)))
            if twin and twin.content != content_id(path.read_bytes()):
                os.utime(path, ns=(0, 10**12 * next(self.clock)))

    @rule()
    def index(self) -> None:
        self.touch_what_nothing_betrays()
        before = [photo for photo in self.library.select() if SPACE in photo.spaces]
        held = {photo.content for photo in before}
        overwritten = {photo.content for photo in before if is_overwritten(photo)}
        extraction = SimulatedExtraction()
        report = run(self.library, extraction)
        assert (report.offline, report.skipped) == ((), ())

        now = list(self.library.select())
        fresh = MemoryStore()
        add(fresh, self.root, self.root / "inner")
        run(fresh, SimulatedExtraction())
        expected = {photo.path: photo for photo in fresh.select()}
        assert {photo.path for photo in now} == set(expected)
        for photo in now:
            twin = expected[photo.path]
            assert replace(photo, id=0) == replace(twin, id=0)
            embedding, right = embedding_in(self.library, photo), embedding_in(fresh, twin)
            assert (embedding is None) == (right is None)
            assert embedding is None or np.array_equal(embedding, right)

        # What stayed was not embedded again, if no other photo took its place.
        embedded = {content_id(Path(path).read_bytes()) for path in extraction.embedded}
        assert not embedded & (held - overwritten)

        again = run(self.library, SimulatedExtraction())
        assert again.unchanged == again.found == len(now)


@pytest.mark.usefixtures("in_small_batches")
class TestRecovery(Files.TestCase):
    settings = settings(
        max_examples=25,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def in_small_batches(monkeypatch):
    monkeypatch.setattr(batches, "SMALLEST_BATCH", 2)
    monkeypatch.setattr(batches, "LARGEST_BATCH", 2)
