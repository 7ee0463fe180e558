"""Whatever happened to the files, scanning again makes the library what a new one would be."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from simulated import SPACE, SimulatedExtraction, add, run, vector_in

from photofind.images.reading import content_id
from photofind.library.library import Library
from photofind.paths import Home

names = st.sampled_from(["a.jpg", "b.jpg", "c.png", "d.heic"])
folders = st.sampled_from(["", "x", "x/y", "inner", ".hidden"])
places = st.builds(lambda folder, name: str(Path(folder) / name), folders, names)
contents = st.sampled_from([b"one", b"two", b"six", b"three", b"broken", b""])


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
        self.home = Home(self.top / "home")
        self.library = Library(self.home, writable=True)
        self.extraction = SimulatedExtraction()
        add(self.library, self.root, self.root / "inner")
        self.rows: dict[str, int] = {}

    def teardown(self) -> None:
        self.index()
        self.library.close()
        shutil.rmtree(self.top)

    @rule(place=places, content=contents)
    def write(self, place: str, content: bytes) -> None:
        path = self.root / place
        if path.is_dir():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        # Few times, so that files are often alike in all but their content.
        os.utime(path, ns=(0, 1_000_000_000 * (next(self.clock) // 3)))

    @rule(source=places, to=places)
    def rename(self, source: str, to: str) -> None:
        if (self.root / source).is_file() and not (self.root / to).is_dir():
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            (self.root / source).replace(self.root / to)

    @rule(one=places, other=places)
    def swap(self, one: str, other: str) -> None:
        if (self.root / one).is_file() and (self.root / other).is_file() and one != other:
            aside = self.root / "aside"
            (self.root / one).rename(aside)
            (self.root / other).rename(self.root / one)
            aside.rename(self.root / other)

    @rule(source=places, to=places, keep_source=st.booleans())
    def copy(self, source: str, to: str, keep_source: bool) -> None:
        if (self.root / source).is_file() and source != to:
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / source, self.root / to)
            if not keep_source:
                (self.root / source).unlink()

    @rule(source=places, to=places)
    def hard_link(self, source: str, to: str) -> None:
        if (self.root / source).is_file() and not (self.root / to).exists():
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            (self.root / to).hardlink_to(self.root / source)

    @rule(place=places)
    def delete(self, place: str) -> None:
        (self.root / place).unlink(missing_ok=True)

    @rule(place=places)
    def describe(self, place: str) -> None:
        if (self.root / place).parent.is_dir():
            (self.root / place).with_suffix(".xmp").write_text(str(next(self.clock)))

    @rule(source=st.sampled_from(["x", "x/y", ".hidden"]), to=st.sampled_from(["z", "x/z"]))
    def move_folder(self, source: str, to: str) -> None:
        free = not (self.root / to).exists() and (self.root / to).parent.is_dir()
        if free and (self.root / source).is_dir() and not to.startswith(source):
            (self.root / source).rename(self.root / to)

    def touch_what_nothing_betrays(self) -> None:
        """Give a new time to files whose content changed under the same name, size and time."""
        known = list(self.library.photos())
        for photo in known:
            path = Path(photo.path)
            if not path.is_file() or content_id(path.read_bytes()) == photo.content:
                continue
            status = path.stat()
            now = (status.st_size, status.st_mtime_ns)
            swapped = (*now, status.st_ino) in {
                (other.size, other.modified, other.inode) for other in known if other != photo
            }
            if now == (photo.size, photo.modified) and not swapped:
                os.utime(path, ns=(0, 10**12 * next(self.clock)))

    @rule()
    def index(self) -> None:
        self.touch_what_nothing_betrays()
        held = {photo.content for photo in self.library.photos() if SPACE in photo.rows}
        self.extraction.embedded.clear()
        report = run(self.library, self.extraction)
        assert (report.offline, report.skipped) == ((), ())

        now = list(self.library.photos())
        with Library(Home(self.top / "fresh"), writable=True) as fresh:
            add(fresh, self.root, self.root / "inner")
            run(fresh, SimulatedExtraction())
            expected = {photo.path: photo for photo in fresh.photos()}
            assert {photo.path for photo in now} == set(expected)
            for photo in now:
                twin = expected[photo.path]
                assert replace(photo, id=0, rows={}) == replace(twin, id=0, rows={})
                vector, right = vector_in(self.library, photo), vector_in(fresh, twin)
                assert (vector is None) == (right is None)
                assert vector is None or np.array_equal(vector, right)
        shutil.rmtree(self.top / "fresh")

        # One row for each content, and a content that stayed kept it without being embedded.
        rows = {photo.content: photo.rows[SPACE] for photo in now if SPACE in photo.rows}
        assert len(set(rows.values())) == len(rows)
        stayed = held & rows.keys()
        assert {c: rows[c] for c in stayed} == {c: self.rows[c] for c in stayed}
        self.rows = rows

        again = run(self.library, SimulatedExtraction())
        assert again.unchanged == again.found == len(now)


TestRecovery = Files.TestCase
TestRecovery.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
