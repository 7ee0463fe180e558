"""What another version of an extractor makes is not committed to the space of the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated import DIMENSION, SimulatedExtraction

from photofind.extractors.info import ExtractorInfo
from photofind.indexing.one_shot import index_once
from photofind.library.extractor_memory import ExtractorMemory
from photofind.library.memory import MemoryStore
from photofind.model.records import Folder
from photofind.paths import Home
from photofind.settings import Settings


class Upgraded(SimulatedExtraction):
    """Embeds as what is installed; a worker that starts anew loads that."""

    def __init__(self) -> None:
        super().__init__()
        self.installed = ExtractorInfo("simulated", "1", DIMENSION, (1, 1), "simulated", "a")
        self.while_reading: ExtractorInfo | None = None
        self.turns = 0

    def info(self) -> ExtractorInfo:
        return self.installed

    def extract(self, *arguments: Any, **options: Any) -> Any:
        if self.while_reading is not None:
            self.installed, self.while_reading = self.while_reading, None
        extracted = super().extract(*arguments, **options)
        for one in extracted:
            one.made_by = self.installed.identity
            if one.vector is not None:
                one.vector = np.roll(one.vector, self.turns)
        return extracted


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(b"picture %d" % number)
    return tmp_path


def index(store: MemoryStore, home: Home, photos: Path, extraction: Upgraded) -> list[str]:
    """Index, and return the ids of the spaces with photos."""
    store.put_folder(Folder(str(photos), 0.0))
    settings = Settings(extractor="simulated")
    memory = ExtractorMemory(home, writable=True)
    index_once(store, lambda name: extraction, settings, settle=0.0, memory=memory)
    return [one.id for one in store.spaces() if store.space_counts(one.id).embedded == 8]


def test_a_version_that_comes_while_photos_are_read(home: Home, photos: Path) -> None:
    store, extraction = MemoryStore(), Upgraded()
    extraction.while_reading = replace(extraction.installed, version="2", build="b")
    assert index(store, home, photos, extraction) == ["simulated@2"]
    assert store.space_counts("simulated@1").embedded == 0


def test_a_build_shares_the_space_while_it_makes_the_same(home: Home, photos: Path) -> None:
    store, extraction = MemoryStore(), Upgraded()
    assert index(store, home, photos, extraction) == ["simulated@1"]
    extraction.installed = replace(extraction.installed, build="b")
    assert index(store, home, photos, extraction) == ["simulated@1"]
    assert [space.build for space in store.spaces()] == ["b"]
    extraction.installed, extraction.turns = replace(extraction.installed, build="c"), 3
    first, second = index(store, home, photos, extraction)
    assert (first, second.startswith("simulated@1+build.")) == ("simulated@1", True)
    extraction.installed, extraction.turns = replace(extraction.installed, build="b"), 0
    assert index(store, home, photos, extraction) == [first, second]
    memory = ExtractorMemory(home)
    assert memory.current("simulated") == first
