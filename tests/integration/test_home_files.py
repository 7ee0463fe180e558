"""The table of files of the home, what may befall each, and what comes of it.

A library of a few small photos, which nothing decodes, is made once and copied for each cell. Each
cell ends in one of three outcomes: the library is the same as before; the fault is told and healed
by indexing or ``doctor --repair``; or it is told with what to do. It never ends in a wrong answer.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from indexed_folder import Extraction, extracted

from photofind.app.photofind import PhotoFind
from photofind.app.resources import Resources
from photofind.daemon.page_keys import Generation, recall, remember
from photofind.errors import PhotofindError
from photofind.extractors.info import ExtractorInfo
from photofind.images.reading import content_id
from photofind.indexing.index_maintenance import maintenance
from photofind.indexing.index_maintenance.builder import IndexBuilder
from photofind.model import FolderStatus, Query
from photofind.paths import Home, write_atomically

GROUPS, MEMBERS, DIMENSION = 10, 4, 16
SPACE = "spaces/mobilenet@1"


class Grouping(Extraction):
    """Embeds a photo near the others of its group, which its first byte names."""

    def __init__(self) -> None:
        super().__init__("mobilenet")

    def _extract(self, path: str, known: set[str]) -> object:
        data = Path(path).read_bytes()
        content = content_id(data)
        if content in known:
            return extracted(path, content)
        center = np.random.default_rng(data[0]).standard_normal(DIMENSION)
        vector = center + 0.05 * np.random.default_rng(data[1]).standard_normal(DIMENSION)
        return extracted(path, content, (vector / np.linalg.norm(vector)).astype(np.float32))

    def info(self) -> object:
        return ExtractorInfo(self.name, "1", DIMENSION, (1, 1), "simulated")


@contextmanager
def builder_in_this_process(home: Home) -> Iterator[object]:
    """Build indexes as the child process does, without the cost of one."""

    def call(method: str, *, timeout: float, **arguments: object) -> object:
        return SimpleNamespace(value=IndexBuilder(home=str(home.root)).build(**arguments))  # type: ignore[arg-type]

    yield SimpleNamespace(call=call)


class Lab:
    """One photo library on which faults are tried."""

    def __init__(self, photos: Path) -> None:
        self.photos = photos

    def answers(self, library: PhotoFind) -> dict[str, set[str]]:
        """What a few queries find: each the other photos of its group, if all is well."""
        found = {}
        for group in range(0, GROUPS, 3):
            query = str(self.photos / f"{group}-0.jpg")
            hits = library.similar(Query((query,), limit=MEMBERS - 1, every=True)).hits
            found[query] = {Path(hit.path).name for hit in hits}
        return found

    def expected(self) -> dict[str, set[str]]:
        return {
            str(self.photos / f"{group}-0.jpg"): {f"{group}-{n}.jpg" for n in range(1, MEMBERS)}
            for group in range(0, GROUPS, 3)
        }

    def is_whole(self, library: PhotoFind, *, but: str = "\0") -> bool:
        """Return whether the library is as it was before, and knows of no problem but with one."""
        status = library.status()
        return (
            status.photos == GROUPS * MEMBERS
            and status.pending == 0
            and not [problem for problem in status.problems if but not in problem]
            and self.answers(library) == self.expected()
        )


@pytest.fixture(scope="module")
def embeds_groups() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Resources, "new_extraction", lambda *_, **__: Grouping())
        patch.setattr(maintenance, "builder", builder_in_this_process)
        yield


@pytest.fixture(scope="module")
def prepared(
    embeds_groups: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, Path, Path]:
    """The laboratory, an older home of the library, and a newer one."""
    root = tmp_path_factory.mktemp("files")
    photos = root / "photos"
    photos.mkdir()
    home, older = root / "home", root / "older"

    def put(groups: range) -> None:
        for group in groups:
            for member in range(MEMBERS):
                path = photos / f"{group}-{member}.jpg"
                path.write_bytes(bytes([group, member]))
                os.utime(path, (1_600_000_000, 1_600_000_000))

    put(range(GROUPS - 1))
    with PhotoFind(Home(home)) as library:
        library.add_folder(str(photos))
        library.index()
    write_atomically(home / "settings.toml", b"hits = 11\n")
    remember(Home(home), Generation(4711, key="0" * 64))
    write_atomically(home / "recent.json", b"[]")
    shutil.copytree(home, older)
    put(range(GROUPS - 1, GROUPS))
    with PhotoFind(Home(home)) as library:
        library.index()
    write_atomically(home / "settings.toml", b"hits = 12\n")
    return Lab(photos), older, home


# Faults.


def delete(path: Path, older: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def empty(path: Path, older: Path) -> None:
    os.truncate(path, 0)


def turn(path: Path, older: Path) -> None:
    """Put a folder in the place of a file, or a file in the place of a folder."""
    was_folder = path.is_dir()
    delete(path, older)
    path.touch() if was_folder else path.mkdir()


def close(path: Path, older: Path) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


def put_older(path: Path, older: Path) -> None:
    """Put an older copy in the place of a file, as rsync does."""
    new = path.with_name("restored")
    shutil.copy2(older, new)
    new.replace(path)


def overwrite_by_older(path: Path, older: Path) -> None:
    """Write an older copy over a file, as cp does."""
    path.write_bytes(older.read_bytes())


FAULTS = [delete, empty, turn, close, put_older, overwrite_by_older]
FILES = [
    *("settings.toml", "catalog", "lock", "pages.json", "recent.json", "spaces", SPACE),
    *(f"{SPACE}/{name}" for name in ("vectors-1", "index.json", "index.lock", "index-*")),
    *(f"{SPACE}/index-*/{name}.npy" for name in ("points", "rows", "contents", "neighbours")),
    *(f"{SPACE}/index-*/{name}" for name in ("mean.npy", "components.npy", "fresh")),
]
CELLS = [
    pytest.param(file, fault, running, id=f"{file}-{fault.__name__}-{mode}")
    for file in FILES
    for fault in FAULTS
    for running, mode in ((False, "stopped"), (True, "running"))
]


def found(home: Path, name: str) -> Path | None:
    """Return the file of a home by its name, where ``*`` stands for anything."""
    return next(iter(sorted(home.glob(name))), None)


def told_by(call: Callable[[], object]) -> list[str]:
    """Return the line that a call was refused with, if it was; other errors fail the test."""
    told = None
    try:
        call()
    except PhotofindError as error:
        told = error
    assert told is None or (told.message and told.hint and "\n" not in str(told))
    return [str(told)] if told else []


@pytest.mark.parametrize(("file", "fault", "running"), CELLS)
def test_what_befalls_a_file_is_harmless_or_told(
    prepared: tuple[Lab, Path, Path],
    tmp_path: Path,
    file: str,
    fault: Callable[[Path, Path], None],
    running: bool,
) -> None:
    lab, older, newer = prepared
    home = Path(shutil.copytree(newer, tmp_path / "home", symlinks=True))
    path, old = found(home, file), found(older, file)
    if path is None:
        pytest.skip("this library has no such file")
    if fault is empty and path.is_dir():
        pytest.skip("a folder is emptied by deleting what is in it")
    if fault in (put_older, overwrite_by_older) and (old is None or path.is_dir()):
        pytest.skip("there is no older file")
    told: list[str] = []
    if running:
        with PhotoFind(Home(home), resident=True) as library:
            assert lab.answers(library) == lab.expected()
            fault(path, old or path)
            told += told_by(lambda: library._resources.library.verify(changed_only=True))
            told += used(lab, library)
    else:
        fault(path, old or path)
        told += told_by(lambda: used_anew(lab, home, told))
    recall(Home(home))
    told_by(lambda: remember(Home(home), Generation(4712, key="1" * 64)))
    with PhotoFind(Home(home)) as library:
        checks = library.doctor(repair=True)
        told += [check.message for check in checks if check.state in ("broken", "repaired")]
    with PhotoFind(Home(home)) as library:
        if not library.folders():  # The one thing that indexing cannot know.
            assert any("add your folders again" in line or "spaces" in file for line in told)
            library.add_folder(str(lab.photos))
        library.index()
        assert lab.is_whole(library)
        assert not [check for check in library.doctor() if check.state == "broken"]


def without_rights_of_root() -> list[str]:
    """Return a command that runs another one as root who cannot read what has no permissions."""
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="other users try these cells above"
)
def test_what_befalls_files_without_permissions_where_root_runs_the_tests(tmp_path: Path) -> None:
    command = without_rights_of_root()
    if not shutil.which(command[0]) or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("root cannot give up its rights here")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", close.__name__]
    cells = [*command, *run, f"--basetemp={tmp_path / 'cells'}", __file__]
    done = subprocess.run(cells, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > len(FILES)


def used_anew(lab: Lab, home: Path, told: list[str]) -> None:
    with PhotoFind(Home(home), resident=True) as library:
        told += used(lab, library)


def used(lab: Lab, library: PhotoFind) -> list[str]:
    """Ask a library, and return what is told; what it answers is right, or it is told why not."""
    told: list[str] = []
    answers: dict[str, set[str]] = {}
    there: set[str] = set()
    told += told_by(lambda: answers.update(lab.answers(library)))
    told += told_by(
        lambda: there.update(Path(photo.path).name for photo in library.photos(limit=1000))
    )
    told += told_by(lambda: told.extend(library.status().problems))
    told += told_by(lambda: told.extend(c.message for c in library.doctor() if c.state == "broken"))
    # An older catalog knows fewer photos; of those that it knows the nearest are found.
    for query, names in answers.items():
        assert told or Path(query).name not in there or lab.expected()[query] & there <= names
    assert told or len(answers) == len(lab.expected())
    refused = told_by(library.index)
    told += refused
    # A problem that indexing solves is not listed any more.
    folders: list[FolderStatus] = []
    if not told_by(lambda: folders.extend(library.folders())) and folders and not refused:
        assert lab.is_whole(library, but="settings.toml")
    return told
