"""Two extractors embed the same photos: one may fail while the other goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import photofind_here
from PIL import Image
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.lifecycle import is_running, stop
from photofind.errors import ExtractorError
from photofind.library.stores import open_store
from photofind.model import Failure, Query
from photofind.paths import Home
from photofind.settings import set_setting

PHOTOS = 12
MAGENTA = (255, 0, 255)

MODULE = '''
import os
import signal
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


class Tint:
    """The mean colour. Files beside this one say what goes wrong, and it counts its pictures."""

    name = "tint"
    version = "1"
    protocol = 1
    input_size = (4, 6)
    dimension = 3

    def does(self, what):
        return (HERE / f"{self.name}.{what}").exists()

    def embed(self, images):
        colours = images.mean(axis=(1, 2)).astype(np.float32)
        photos = (np.abs(colours - 128) > 1).any(axis=1).sum()  # Not the grey of the first trial.
        if self.does("crashes") and (np.abs(colours - (255, 0, 255)) < 8).all(axis=1).any():
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.does("never works") or (photos and self.does("raises")):
            raise ValueError("no network for this")
        while photos and self.does("waits"):
            time.sleep(0.02)
        with (HERE / f"{self.name}.seen").open("a") as seen:
            seen.write("." * photos)
        return colours


class Shade(Tint):
    name = "shade"
'''


class Plugins:
    """A distribution of two extractors, ``tint`` and ``shade``, whose faults come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        metadata = folder / "tints-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tints\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            "[photofind.extractors]\ntint = tints:Tint\nshade = tints:Shade\n"
        )
        self.module = folder / "tints.py"
        self.module.write_text(MODULE)

    def __call__(self, name: str, does: str, yes: bool = True) -> None:
        """Have an extractor do something, or not do it any more."""
        file = self.folder / f"{name}.{does}"
        file.touch() if yes else file.unlink()

    def release(self, *edits: tuple[str, str]) -> None:
        """Write the file anew, as an update does."""
        text = self.module.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        self.module.write_text(text)
        later = self.module.stat().st_mtime_ns + 10**9
        os.utime(self.module, ns=(later, later))

    def seen(self, name: str) -> int:
        """Return how many photos an extractor has embedded so far."""
        file = self.folder / f"{name}.seen"
        return file.stat().st_size if file.exists() else 0


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    plugins = Plugins(tmp_path / "plugins")
    monkeypatch.syspath_prepend(str(plugins.folder))
    monkeypatch.setenv("PYTHONPATH", str(plugins.folder), prepend=os.pathsep)
    return plugins


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PHOTOS):
        picture(folder / f"{number:02}.png", (200, 20 * number, 7))
    picture(folder / "magenta.png", MAGENTA)
    return folder


def picture(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (60, 40), colour).save(path)
    old = time.time() - 60
    os.utime(path, (old, old))
    return path


def use(home: Home, extractor: str, also: str = "") -> None:
    set_setting(home.settings, "extractor", extractor)
    set_setting(home.settings, "also", also)


def index(home: Home, folder: Path, **options: Any) -> tuple[Any, Any, list[Failure]]:
    """Index in this process; return the report, the status and the failures."""
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(folder))
        report = photofind.index(**options)
        return report, photofind.status(), photofind.failures()


# Photos that one extractor cannot embed, without a daemon.


def test_what_one_cannot_embed_stays_as_the_other_embedded_it(home, plugins, photos):
    plugins("shade", "crashes")
    use(home, "tint", also="shade")
    report, status, failures = index(home, photos)
    line = "1 photo could not be embedded by shade; `photofind failures` says why"
    assert line in report.notes
    assert (report.failed, status.failed, status.photos, status.pending) == (0, 0, PHOTOS + 1, 0)
    assert line in status.problems
    magenta = str(photos / "magenta.png")
    (failure,) = failures
    assert (failure.path, failure.extractor) == (magenta, "shade")
    assert failure.reason.startswith("crashed the extractor")
    with PhotoFind(home) as photofind:
        answer = photofind.similar(Query((str(photos / "00.png"),), limit=99, every=True))
        assert magenta in {hit.path for hit in answer.hits}
        assert photofind.photo(magenta).spaces == ("tint@1",)

    before = plugins.seen("shade")  # The others; it is not tried again.
    moved = (photos / "magenta.png").rename(photos / "moved.png")
    report, _, failures = index(home, photos)
    assert (report.moved, plugins.seen("shade")) == (1, before)
    assert failures == [Failure(str(moved), failure.reason, "shade")]

    report, _, failures = index(home, photos, retry_failed=True)
    assert line in report.notes
    assert failures == [Failure(str(moved), failure.reason, "shade")]
    picture(moved, (255, 1, 40))
    report, status, failures = index(home, photos)
    assert (report.changed, failures) == (1, [])
    assert (plugins.seen("shade"), line in status.problems) == (before + 1, False)


@pytest.mark.parametrize("how", ["retry", "file", "version"])
def test_one_that_is_mended_tries_again(how, home, plugins, photos):
    plugins("shade", "crashes")
    use(home, "tint", also="shade")
    _, _, failures = index(home, photos)
    assert [failure.extractor for failure in failures] == ["shade"]
    plugins("shade", "crashes", False)
    if how != "retry":
        plugins.release(*([('version = "1"', 'version = "2"')] if how == "version" else []))
    _, status, failures = index(home, photos, retry_failed=how == "retry")
    assert (failures, status.problems) == ([], ())
    version = 2 if how == "version" else 1
    with PhotoFind(home) as photofind:
        spaces = photofind.photo(str(photos / "magenta.png")).spaces
        assert set(spaces) == {f"tint@{version}", f"shade@{version}"}


def test_what_the_first_cannot_embed_the_others_do(home, plugins, photos):
    plugins("tint", "crashes")
    use(home, "tint")
    report, status, failures = index(home, photos)
    assert (report.failed, status.failed) == (1, 1)
    assert [failure.extractor for failure in failures] == ["tint"]
    index(home, photos)
    assert plugins.seen("tint") == PHOTOS
    use(home, "tint", also="shade")
    _, status, again = index(home, photos)
    assert (again, status.failed) == (failures, 0)
    with PhotoFind(home) as photofind:
        assert photofind.photo(str(photos / "magenta.png")).spaces == ("shade@1",)
    assert plugins.seen("tint") == PHOTOS


def test_a_file_that_is_no_picture_is_read_by_one_alone(home, plugins, photos):
    (photos / "text.png").write_text("These are words.")
    use(home, "tint", also="shade")
    _, status, failures = index(home, photos)
    assert (status.failed, len(failures), failures[0].extractor) == (1, 1, None)


def test_another_extractor_takes_no_vector_away(home, plugins, photos):
    use(home, "tint")
    index(home, photos)
    plugins("shade", "crashes")
    use(home, "shade")
    report, status, failures = index(home, photos)
    assert (report.failed, status.failed, plugins.seen("shade")) == (1, 0, PHOTOS)
    assert [failure.extractor for failure in failures] == ["shade"]
    with PhotoFind(home) as photofind:
        assert photofind.photo(str(photos / "magenta.png")).spaces == ("tint@1",)


# Extractors that do not work at all.


@pytest.mark.parametrize("fault", ["never works", "raises"])
@pytest.mark.parametrize("names", ["tint", "shade,tint"])
def test_one_that_does_not_work_marks_no_photo(names, fault, home, plugins, photos):
    use(home, "shade", also=names.partition(",")[2])
    plugins("shade", fault)
    if names == "tint":
        for _ in range(2):
            with pytest.raises(ExtractorError, match="no network for this"):
                index(home, photos)
    else:
        report, status, failures = index(home, photos)
        assert "no network for this" in report.notes[0]
        assert (failures, status.photos) == ([], PHOTOS + 1)
    plugins("shade", fault, False)
    _, status, failures = index(home, photos)
    assert (failures, status.pending, plugins.seen("shade")) == ([], 0, PHOTOS + 1)


# The same in a daemon, by the commands.


class Daemon:
    """Commands that may start a daemon and ask it."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def __call__(self, *arguments: str | Path) -> list[str]:
        """Run a command that succeeds; return what it told."""
        done = photofind_here(*arguments, PHOTOFIND_NO_DAEMON="")
        assert done.code == 0, done.stderr
        return done.notes

    def json(self, *arguments: str | Path) -> Any:
        done = photofind_here(*arguments, "--json", PHOTOFIND_NO_DAEMON="")
        assert done.code == 0, done.stderr
        return done.json

    @property
    def status(self) -> Any:
        return self.json("status")

    def embedded(self) -> dict[str, int]:
        """Return how many photos each extractor has embedded."""
        with open_store(self.home) as library:
            spaces = {space.extractor: space.id for space in library.spaces()}
            return {name: library.space_counts(id_).embedded for name, id_ in spaces.items()}

    def until(self, true: Callable[[], object]) -> None:
        wait_until(true, pause=0.1)


@pytest.fixture
def daemon(home: Home, plugins: Plugins) -> Iterator[Daemon]:
    use(home, "tint")
    yield Daemon(home)
    stop(home)
    assert not is_running(home)


def test_extractors_are_enabled_used_and_disabled(daemon, plugins, photos):
    every = PHOTOS + 1
    query = photos / "03.png"

    def answered_by() -> str:
        answer = daemon.json("similar", query)
        assert answer["hits"]
        return answer["extractor"]

    daemon("folders", "add", photos)
    daemon.until(lambda: daemon.status["photos"] == every)

    # While another embeds all photos, the old one answers, and the progress is reported.
    plugins("shade", "waits")
    daemon("extractors", "enable", "shade")

    def is_embedding() -> bool:  # Before, it may be looking for photos.
        activity = daemon.status["daemon"]["activity"]
        phase, total = (activity["phase"], activity["total"]) if activity else ("", None)
        return (phase, total) == ("embedding photos with shade", every)

    daemon.until(is_embedding)
    assert answered_by() == "tint"
    assert daemon("extractors", "use", "shade")[0] == "photos are compared with shade from now on"
    assert answered_by() == "tint"
    plugins("shade", "waits", False)
    daemon.until(lambda: daemon.embedded() == {"tint": every, "shade": every})
    daemon.until(lambda: answered_by() == "shade")
    assert plugins.seen("tint") == every

    # The old one goes on until it is disabled; its vectors stay then.
    picture(photos / "new.png", (3, 99, 200))
    daemon.until(lambda: daemon.embedded()["tint"] == every + 1 == daemon.embedded()["shade"])
    daemon("extractors", "disable", "tint")
    picture(photos / "newer.png", (9, 199, 20))
    daemon.until(lambda: daemon.embedded()["shade"] == every + 2)
    assert daemon.embedded()["tint"] == every + 1
    hits = daemon.json("similar", query, "--extractor", "tint")["hits"]
    assert hits

    # What it has embedded it need not embed again.
    daemon("extractors", "enable", "tint")
    daemon.until(lambda: daemon.embedded()["tint"] == every + 2)
    assert plugins.seen("tint") == every + 2
    seen = plugins.seen("shade")
    daemon("extractors", "use", "tint")
    daemon.until(lambda: answered_by() == "tint")
    daemon("index")
    assert (plugins.seen("tint"), plugins.seen("shade")) == (every + 2, seen)
    assert daemon.json("similar", query, "--extractor", "tint")["hits"][0] == hits[0]


def test_an_indexing_says_who_is_not_done_and_waits_for_all_if_asked(daemon, plugins, photos):
    every = PHOTOS + 1
    daemon("folders", "add", photos)
    daemon("index")
    plugins("shade", "waits")
    daemon("extractors", "enable", "shade")
    daemon.until(lambda: daemon.embedded().get("shade") == 0)
    picture(photos / "new.png", (3, 99, 200))
    notes = daemon("index")
    assert f"shade has still to embed {every + 1} photos" in notes
    assert daemon.embedded() == {"tint": every + 1, "shade": 0}
    plugins("shade", "waits", False)
    daemon("index", "--wait")
    assert daemon.embedded() == {"tint": every + 1, "shade": every + 1}


def test_one_that_does_not_work_is_not_taken_into_use(home, plugins, photos):
    use(home, "tint")
    plugins("shade", "never works")
    refused = photofind_here("extractors", "use", "shade")
    assert (refused.code, "no network for this" in refused.notes[0]) == (1, True)
    assert photofind_here("config", "get", "extractor").lines == ["tint"]


def test_a_daemon_remembers_what_one_could_not_embed(daemon, home, plugins, photos):
    plugins("shade", "crashes")
    daemon("folders", "add", photos)
    daemon("extractors", "enable", "shade")
    daemon.until(lambda: daemon.json("failures"))
    (line,) = photofind_here("failures").lines
    assert "magenta.png\tnot embedded by shade: crashed the extractor" in line
    (failure,) = daemon.json("failures")
    assert (Path(failure["path"]).name, failure["extractor"]) == ("magenta.png", "shade")
    daemon.until(lambda: daemon.embedded().get("shade") == PHOTOS)
    line = "1 photo could not be embedded by shade; `photofind failures` says why"
    # Until another extractor has embedded it, it is a failure of the photo.
    daemon.until(lambda: line in daemon.status["problems"])
    seen = plugins.seen("shade")
    stop(home)
    daemon("daemon", "start")
    daemon("index")
    assert (plugins.seen("shade"), daemon.json("failures")) == (seen, [failure])
    plugins("shade", "crashes", False)
    daemon("index", "--retry-failed")
    daemon.until(lambda: daemon.embedded()["shade"] == PHOTOS + 1)
    daemon.until(lambda: daemon.status["problems"] == [])
    assert daemon.json("failures") == []


@pytest.mark.parametrize("fault", ["never works", "raises"])
@pytest.mark.parametrize("first", ["tint", "shade"])
def test_a_daemon_goes_on_without_one_that_does_not_work(
    first, fault, daemon, home, plugins, photos
):
    plugins("shade", fault)
    use(home, first, also="tint" if first == "shade" else "shade")
    daemon("folders", "add", photos)
    daemon.until(lambda: daemon.embedded().get("tint") == PHOTOS + 1)
    daemon.until(lambda: daemon.status["problems"])
    assert "no network for this" in daemon.status["problems"][0]
    picture(photos / "new.png", (3, 99, 200))
    daemon.until(lambda: daemon.embedded()["tint"] == PHOTOS + 2)
    assert (daemon.json("failures"), daemon.embedded().get("shade", 0)) == ([], 0)
    plugins("shade", fault, False)
    daemon("index")
    daemon.until(lambda: daemon.embedded().get("shade") == PHOTOS + 2)
    daemon.until(lambda: daemon.status["problems"] == [])
    assert daemon.json("failures") == []


def test_a_daemon_with_one_that_does_not_work_marks_no_photo(daemon, plugins, photos):
    plugins("tint", "raises")
    daemon("folders", "add", photos)
    daemon.until(lambda: daemon.status["problems"])
    assert (daemon.json("failures"), daemon.status["failed"]) == ([], 0)
    plugins("tint", "raises", False)
    daemon.until(lambda: daemon.status["photos"] == PHOTOS + 1)  # By itself.
    daemon.until(lambda: daemon.status["problems"] == [])
