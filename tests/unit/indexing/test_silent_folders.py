"""A folder that does not answer: the others are indexed, and its photos are kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulated import SimulatedExtraction, add, run
from waiting import wait_until

from photofind.errors import NotAnsweringError
from photofind.indexing.partial_check import partial_check
from photofind.library.memory import MemoryStore
from photofind.system.reach import DOES_NOT_ANSWER, Reach


class Mount:
    """A folder whose listings hang while it sleeps."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = str(folder)
        self.awake = threading.Event()
        self.awake.set()
        scandir = os.scandir

        def listing(path: Any) -> Any:
            if str(path).startswith(self.folder):
                self.awake.wait()
            return scandir(path)

        monkeypatch.setattr(os, "scandir", listing)


@pytest.fixture
def library(tmp_path: Path) -> MemoryStore:
    library = MemoryStore()
    for name in ("asleep", "healthy"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.jpg").write_bytes(f"{name}{number}".encode())
    add(library, tmp_path / "asleep", tmp_path / "healthy")
    return library


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    mount = Mount(tmp_path / "asleep", monkeypatch)
    yield mount
    mount.awake.set()


@pytest.fixture
def reach(library: MemoryStore) -> Iterator[Reach]:
    reach = Reach(lambda: [one.path for one in library.folders()], patience=1.0, first_pause=60.0)
    yield reach
    reach.close()


def test_the_others_are_read_and_it_is_tried_again(library, mount, reach) -> None:
    mount.awake.clear()
    report = run(library, SimulatedExtraction(), reach=reach)
    assert [(one.path, one.reason) for one in report.offline] == [(mount.folder, DOES_NOT_ANSWER)]
    assert report.new == 3
    mount.awake.set()
    wait_until(lambda: reach.answers(mount.folder))
    assert run(library, SimulatedExtraction(), reach=reach).new == 3
    assert {one.state for one in library.folders()} == {"online"}


def test_its_photos_are_kept(library, mount, reach) -> None:
    run(library, SimulatedExtraction(), reach=reach)
    mount.awake.clear()
    report = run(library, SimulatedExtraction(), reach=reach)
    assert (report.removed, library.counts().photos) == (0, 6)


def test_no_folder_is_blamed_where_indexing_is_stopped(library, reach) -> None:
    run(library, SimulatedExtraction(), reach=reach)
    reach.close()
    with pytest.raises(NotAnsweringError):
        run(library, SimulatedExtraction(), reach=reach)
    assert {one.state for one in library.folders()} == {"online"}


def test_a_check_of_places_leaves_it_out(library, mount, reach) -> None:
    run(library, SimulatedExtraction(), reach=reach)
    mount.awake.clear()
    Path(mount.folder, "album").mkdir()
    new = Path(mount.folder).parent / "healthy" / "new.jpg"
    new.write_bytes(b"new")
    places = [str(Path(mount.folder, "album")), str(new)]
    seen = partial_check(library, places, lambda photo: True, reach=reach)
    assert [file.path for file in seen.changes.unread] == [str(new)]
    assert not seen.changes.gone


class HangingExtraction(SimulatedExtraction):
    """Finds out that a folder does not answer while it reads."""

    def __init__(self, reach: Reach, folder: str) -> None:
        super().__init__()
        self.reach, self.folder = reach, folder
        self.asleep = threading.Event()

    def extract(self, paths: Any, known: Any = (), *, in_company: bool = False) -> Any:
        for path in paths:
            if path.startswith(self.folder):
                self.reach.call(path, self.asleep.wait)
        return super().extract(paths, known, in_company=in_company)


def test_a_read_that_hangs_costs_the_files_of_its_folder_only(library, mount, reach) -> None:
    extraction = HangingExtraction(reach, mount.folder)
    report = run(library, extraction, reach=reach)
    assert [one.path for one in report.offline] == [mount.folder]
    assert (report.new, report.failed) == (3, 0)
    with pytest.raises(NotAnsweringError):
        reach.check(str(Path(mount.folder, "0.jpg")))
    extraction.asleep.set()
