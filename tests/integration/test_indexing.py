"""Folders of real pictures, a real extractor in its own process, a library on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from waiting import patience

from photofind.extractors.extraction import Extraction
from photofind.indexing.one_shot import index_once
from photofind.library.embedded.store import EmbeddedStore
from photofind.model import Report
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo
from photofind.settings import Settings


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).resize((320, 240)).save(path)
    return path


@pytest.fixture(scope="module")
def extraction():
    with Extraction("mobilenet") as extraction:
        yield extraction


@pytest.fixture
def library(home):
    with EmbeddedStore(home, writable=True) as library:
        yield library


def run(library: EmbeddedStore, extraction: Extraction, *folders: Path) -> Report:
    for folder in folders:
        library.put_folder(Folder(str(folder), added=0.0))
    return index_once(library, lambda name: extraction, Settings(), settle=0.0).report


def embedding(library: EmbeddedStore, photo: Photo) -> list[float]:
    """Return the embedding of a photo; all zeros where it has none."""
    (space,) = library.spaces()
    numbers: list[float] = library.embeddings(space.id, [photo.content])[1][0].tolist()
    return numbers


def photo_at(library: EmbeddedStore, path: Path) -> Photo:
    return library.by_path([str(path)])[str(path)]


def test_a_folder_becomes_a_library_and_stays_one(library, extraction, tmp_path):
    folder = tmp_path / "pictures"
    for number in range(5):
        picture(folder / f"{number}.jpg", number)
    (folder / "torn.jpg").write_bytes((folder / "0.jpg").read_bytes()[:200])
    (folder / "text.png").write_text("no picture")
    (folder / "empty.jpg").touch()
    first = run(library, extraction, folder)
    assert (first.new, first.failed) == (8, 3)
    assert all(photo.failure for photo in library.select(Filter(failed=True)))
    assert photo_at(library, folder / "0.jpg").width == 320
    before = {Path(photo.path).name: embedding(library, photo) for photo in library.select()}

    (folder / "sub").mkdir()
    (folder / "1.jpg").rename(folder / "sub" / "moved.jpg")
    (folder / "copy.jpg").write_bytes((folder / "2.jpg").read_bytes())
    (folder / "3.jpg").unlink()
    picture(folder / "4.jpg", 44)
    picture(folder / "torn.jpg", 45)
    second = run(library, extraction)
    assert (second.moved, second.new, second.removed, second.changed) == (1, 1, 1, 2)
    now = {Path(photo.path).name: photo for photo in library.select()}
    assert embedding(library, now["moved.jpg"]) == before["1.jpg"]
    assert embedding(library, now["copy.jpg"]) == before["2.jpg"]
    assert (now["copy.jpg"].width, now["copy.jpg"].format) == (320, "JPEG")
    assert embedding(library, now["4.jpg"]) != before["4.jpg"]
    assert now["torn.jpg"].failure is None
    assert run(library, extraction).unchanged == second.found


if sys.platform == "linux":

    def test_names_that_are_not_utf8_go_all_the_way(library, extraction, tmp_path):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9"))
        picture(tmp_path / "a.jpg", 1).rename(
            picture(folder / "x.jpg", 2).with_name("\udcff\n.jpg")
        )
        assert run(library, extraction, tmp_path).failed == 0
        (photo,) = [photo for photo in library.select() if "\udcff" in photo.path]
        assert photo.spaces
        assert Path(photo.path).exists()


if os.name == "posix":

    def test_ctrl_c_keeps_what_was_done(home, tmp_path):
        for number in range(240):
            picture(tmp_path / "p" / f"{number}.jpg", number)
        code = (
            "import sys, photofind.app.photofind as p\n"
            "with p.PhotoFind() as photofind:\n"
            "    photofind.add_folder(sys.argv[1])\n"
            "    photofind.index(progress=lambda p: print(p.phase, p.done, flush=True))\n"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "p")]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            for line in process.stdout:
                if line.startswith("reading photos 16"):
                    # As a terminal does: to the whole group, workers included.
                    os.killpg(process.pid, signal.SIGINT)
                    break
            _, errors = process.communicate(timeout=patience())
        assert process.returncode == -signal.SIGINT
        assert errors.rstrip().endswith("KeyboardInterrupt")
        with EmbeddedStore(home) as library:
            assert 16 <= library.count() < 240
            assert all(photo.spaces for photo in library.select())
