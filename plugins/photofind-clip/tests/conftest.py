"""One model for all tests of a process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from photofind_clip.model import MODEL_VARIABLE


@pytest.fixture(scope="session")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a trained model."""
    import two_towers  # Skips where its libraries are not installed.

    return two_towers.write(tmp_path_factory.mktemp("towers"), two_towers.train())


@pytest.fixture(scope="module", autouse=True)
def _model(towers: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODEL_VARIABLE, str(towers))
        yield


@pytest.fixture
def copied(towers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the model that may be spoilt."""
    folder = tmp_path / "model"
    shutil.copytree(towers, folder)
    monkeypatch.setenv(MODEL_VARIABLE, str(folder))
    return folder
