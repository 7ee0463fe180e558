"""An empty home folder, and a fake photofind with an awkward path."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_program import FakeProgram

from photofind.desktop.command import Command


@pytest.fixture(autouse=True)
def home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user, which is the only one that photofind sees."""
    folder = tmp_path / "home_folder"
    (folder / "data").mkdir(parents=True)
    (folder / "config").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    return folder


@pytest.fixture
def fake_photofind(tmp_path: Path) -> FakeProgram:
    return FakeProgram(
        tmp_path / 'in Program\'s "files" $HOME `%F` 100%\\\n & more' / "é<b>", "photo find"
    )


@pytest.fixture
def command(fake_photofind: FakeProgram) -> Command:
    return Command((str(fake_photofind.path),))
