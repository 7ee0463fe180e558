"""An extractor is installed, upgraded, edited and removed while a daemon indexes and answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changing_plugin import ChangingPlugin
from PIL import Image
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import connect_to_running
from photofind.daemon.lifecycle import start, stop
from photofind.library.stores import open_store
from photofind.model import Query
from photofind.paths import Home
from photofind.settings import set_setting

PHOTOS = 24  # Too few for an index: answers do not depend on when it is fitted.


def picture(path: Path, seed: int) -> Path:
    colours = np.random.default_rng(seed).integers(0, 256, (2, 3), np.uint8)
    image = np.repeat(np.repeat(colours[:, None], 60, axis=1), 20, axis=0)
    Image.fromarray(image).save(path)
    old = path.stat().st_mtime - 60
    os.utime(path, (old, old))
    return path


class Trial:
    """A daemon whose answers are compared with those of a library made from scratch."""

    def __init__(self, home: Home, plugin: ChangingPlugin, photos: Path, outside: Path) -> None:
        self.home = home
        self.plugin = plugin
        self.photos = photos
        self.outside = outside
        start(home)
        self.client = connect_to_running(home)

    def ask(self, photo: Path) -> Any:
        return self.client.similar(Query((str(photo),), limit=10, min_score=0.0, every=True))

    def space(self, name: str = "changing") -> Any:
        """Return the newest space of an extractor."""
        with open_store(self.home) as library:
            return [space for space in library.spaces() if space.extractor == name][-1]

    def settle(self, answered_by: str) -> None:
        """Wait until an extractor has embedded all photos, and answers."""

        def is_settled() -> bool:
            status = self.client.status()
            return (status.pending, status.problems) == (0, ()) and [
                one.startswith(answered_by) for one in status.answered_by
            ] == [True]

        wait_until(is_settled, f"{answered_by} answering", pause=0.2)

    def check(self, tmp_path: Path, extractor: str) -> None:
        """Compare the answers with those of a library made from scratch."""
        scratch = Home(tmp_path / f"scratch-{len(list(tmp_path.glob('scratch-*')))}")
        set_setting(scratch.settings, "extractor", extractor)
        with PhotoFind(scratch) as other:
            other.add_folder(str(self.photos))
            other.index()
            for photo in (self.photos / "03.png", self.outside):
                expected = other.similar(Query((str(photo),), limit=10, min_score=0.0, every=True))
                answer = self.ask(photo)
                assert answer.extractor == extractor
                assert [hit.path for hit in answer.hits] == [hit.path for hit in expected.hits]
                assert np.allclose(
                    [hit.score for hit in answer.hits],
                    [hit.score for hit in expected.hits],
                    atol=0.02,
                )
                assert (answer.coming, answer.notes) == ((), ())


@pytest.fixture
def trial(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    plugin = ChangingPlugin(tmp_path / "site")
    monkeypatch.syspath_prepend(str(plugin.site))
    monkeypatch.setenv("PYTHONPATH", str(plugin.site), prepend=os.pathsep)
    plugin.install("1")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(PHOTOS):
        picture(photos / f"{number:02}.png", number)
    outside = picture(tmp_path / "outside.png", 1000)
    set_setting(home.settings, "extractor", "changing")
    set_setting(home.settings, "also", "mobilenet")
    trial = Trial(home, plugin, photos, outside)
    trial.client.add_folder(str(photos))
    try:
        yield trial
    finally:
        stop(home)


def test_answers_stay_right_whatever_is_installed(trial: Trial, tmp_path: Path) -> None:
    trial.settle("changing@1")
    trial.check(tmp_path, "changing")
    copy = tmp_path / "photos" / "copy.png"

    # While the new version waits, the old one answers, for photos from outside too.
    trial.plugin.waits("2", True)
    trial.plugin.install("2", shift=2)
    wait_until(lambda: trial.space().version == "2", pause=0.1)
    # The space is there a moment before it is the one that the extractor fills.
    wait_until(lambda: trial.ask(trial.outside).coming, "the new version announced", pause=0.1)
    for photo in (trial.photos / "03.png", trial.outside):
        answer = trial.ask(photo)
        assert (answer.spaces, len(answer.hits)) == (("changing@1",), 10)
        (coming,) = answer.coming
        assert (coming.extractor, coming.version) == ("changing", "2")
        assert coming.embedded < coming.photos == PHOTOS
        assert "version 1 answers until then" in answer.notes[0]
    trial.plugin.waits("2", False)
    trial.settle("changing@2")
    trial.check(tmp_path, "changing")

    # The same version with another dimension, which it must not have, gets a space of its own.
    trial.plugin.install("2", dimension=5, shift=2)
    trial.settle("changing@2+build.")
    assert trial.space().dimension == 5
    trial.check(tmp_path, "changing")

    # An edited file: one that makes the same goes on in its space, another one does not.
    before = trial.space()
    trial.plugin.write("2", dimension=5, shift=2, comment="# The same.")
    wait_until(lambda: trial.space().build != before.build, "a new build", pause=0.1)
    assert trial.space().id == before.id
    trial.plugin.write("2", dimension=5, shift=4)
    wait_until(lambda: trial.space().id != before.id, "a new space", pause=0.1)
    trial.settle(trial.space().id)
    trial.check(tmp_path, "changing")

    trial.plugin.install("1")
    trial.settle("changing@1")
    trial.check(tmp_path, "changing")
    copy.write_bytes((trial.photos / "03.png").read_bytes())
    trial.settle("changing@1")
    wait_until(lambda: trial.client.status().photos == PHOTOS + 1, pause=0.2)
    assert trial.ask(trial.photos / "03.png").hits[0].path == str(copy)

    # What remains answers.
    trial.plugin.uninstall()
    wait_until(lambda: trial.client.status().answered_by == ("mobilenet@1",), pause=0.2)
    answer = trial.ask(trial.outside)
    assert (answer.extractor, len(answer.hits)) == ("mobilenet", 10)
    assert answer.notes == ("the extractor changing is not installed",)
    assert trial.client.status().pending == 0
    log = (trial.home.logs / "daemon.log").read_text()
    assert log.count("ERROR") <= 1, log
