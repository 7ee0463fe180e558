"""A person's folders, empty, and a stand-in for photofind in an awkward place."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_program import FakeProgram

from photofind.desktop.command import Command


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a person; photofind is told of nobody else's."""
    folder = tmp_path / "person"
    (folder / "data").mkdir(parents=True)
    (folder / "config").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    return folder


@pytest.fixture
def stand_in(tmp_path: Path) -> FakeProgram:
    return FakeProgram(
        tmp_path / 'in Program\'s "files" $HOME `%F` 100%\\\n & more' / "é<b>", "photo find"
    )


@pytest.fixture
def command(stand_in: FakeProgram) -> Command:
    return Command((str(stand_in.path),))
