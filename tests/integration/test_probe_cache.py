"""Extractors that work are tried again when something has changed, others each time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from photofind.app.photofind import PhotoFind
from photofind.extractors.probe_cache import load_probes
from photofind.extractors.registry import installed
from photofind.paths import Home

MODULE = """
from pathlib import Path

import numpy as np

with (Path(__file__).parent / "tried").open("a") as tried:
    tried.write(".")


class Plain:
    name = "plain"
    version = "1"
    protocol = 1
    input_size = (4, 6)
    dimension = 3
    files = [Path(__file__).parent / "weights.json"]

    def embed(self, images):
        return images.mean(axis=(1, 2)).astype(np.float32)
"""


class Installed:
    """A distribution with one extractor, that counts how often it is imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.module = folder / "plain_for_tests.py"
        self._changes = 0
        self.install("1.0")
        self.put(MODULE)

    def install(self, version: str) -> None:
        metadata = self.folder / f"plain_for_tests-{version}.dist-info"
        for old in self.folder.glob("*.dist-info"):
            old.rename(metadata)
        metadata.mkdir(parents=True, exist_ok=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: plain-for-tests\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(
            "[photofind.extractors]\nplain = plain_for_tests:Plain\n"
        )

    def put(self, text: str) -> None:
        """Write the module, each time of a later second: by that Python tells its bytecode."""
        self.module.write_text(text)
        self._changes += 1
        later = self.module.stat().st_mtime_ns + self._changes * 10**9
        os.utime(self.module, ns=(later, later))

    def write(self, *edit: str) -> None:
        self.put(self.module.read_text().replace(*edit))

    @property
    def weights(self) -> Path:
        """A file outside its package."""
        return self.folder / "weights.json"

    @property
    def tried(self) -> int:
        return (self.folder / "tried").stat().st_size


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    # Each change has all that are listed tried again: the others would only take time.
    monkeypatch.setattr(
        "photofind.app.extractors.installed",
        lambda home: [one for one in installed(home) if one.name in ("plain", "mobilenet")],
    )
    return Installed(tmp_path / "site")


def listed(home: Home) -> Any:
    """Return how the extractor is, in a photofind that was just started."""
    with PhotoFind(home) as photofind:
        (found,) = [one for one in photofind.extractors() if one.name == "plain"]
    return found


def test_one_that_works_is_tried_once(home: Home, plugin: Installed) -> None:
    first = listed(home)
    assert (first.version, first.dimension, first.error) == ("1", 3, None)
    assert (listed(home), plugin.tried) == (first, 1)
    plugin.write('version = "1"', 'version = "2"')
    assert (listed(home).version, plugin.tried) == ("2", 2)
    plugin.install("1.1")
    assert (listed(home).distribution, plugin.tried) == ("plain-for-tests 1.1", 3)
    other = plugin.folder / "something_else-3.dist-info"  # It may need that, or not bear it.
    other.mkdir()
    assert (listed(home).error, plugin.tried) == (None, 4)
    assert (listed(home).error, plugin.tried) == (None, 4)
    plugin.weights.write_text("{}")
    assert (listed(home).error, plugin.tried) == (None, 5)
    assert (listed(home).error, plugin.tried) == (None, 5)


def test_one_that_does_not_work_is_named_and_tried_each_time(home: Home, plugin: Installed) -> None:
    assert listed(home).error is None
    plugin.write("np.float32", "np.float64")
    for times in (2, 3):
        found = listed(home)
        assert "returned vectors of float64, not float32" in found.error
        assert (found.version, plugin.tried) == (None, times)
    plugin.module.unlink()
    assert "ModuleNotFoundError" in listed(home).error
    plugin.put(MODULE)
    assert (listed(home).error, plugin.tried) == (None, 4)


def test_a_damaged_memory_is_made_anew(home: Home, plugin: Installed) -> None:
    listed(home)
    assert {one.name for one in load_probes(home).values()} >= {"plain", "mobilenet"}
    for text in ("", "[]", '{"a": 1}', '{"a": {"name": "plain", "colour": "red"}}', "\0"):
        (home.cache / "extractors.json").write_text(text)
        assert load_probes(home) == {}
    assert (listed(home).error, plugin.tried) == (None, 2)
