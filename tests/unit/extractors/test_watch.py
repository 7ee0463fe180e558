"""Changes of distributions, code files and added models are noticed once they are calm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photofind.extractors import watch
from photofind.extractors.code_files import Code, stamp
from photofind.extractors.models import Model, delete_model, save_model
from photofind.extractors.watch import ExtractorWatch
from photofind.paths import Home


@pytest.fixture(autouse=True)
def _looks_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SETTLED", 0.0)
    monkeypatch.setattr(watch, "_GONE", 0.0)
    monkeypatch.setattr(watch, "_SHARE", 1e9)


def write(file: Path, text: str) -> None:
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


def loaded(path: Path) -> dict[str, Code]:
    """Return the code of an extractor that is loaded now."""
    return {"waves": Code((str(path),), stamp([path]))}


def test_a_model_that_is_added_again_has_changed(home: Home) -> None:
    looks = ExtractorWatch(home)
    save_model(home, Model("flowers", "/models/flowers.keras", "0" * 64))
    assert looks.look({"flowers": Code(), "mobilenet": Code()}) == []
    assert looks.look({"flowers": Code(), "mobilenet": Code()}) == []
    save_model(home, Model("flowers", "/models/other.keras", "1" * 64))
    assert looks.look({"flowers": Code(), "mobilenet": Code()}) == ["flowers"]
    assert looks.look({"flowers": Code(), "mobilenet": Code()}) == []
    delete_model(home, "flowers")
    assert looks.look({"flowers": Code(), "mobilenet": Code()}) == ["flowers"]


def test_a_file_of_its_code_that_is_written_has_changed_it_and_a_log_has_not(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "waves"
    package.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    write(package / "__init__.py", "")
    write(package / "weights.npz", "1")
    looks = ExtractorWatch(home)
    code = loaded(package)
    assert looks.look({"waves": Code()}) == []  # Before it was loaded.
    assert looks.look(code) == []
    (package / "waves.log").write_text("It was embedded.")
    (package / "__pycache__").mkdir()
    assert looks.look(code) == []
    for name in ("__init__.py", "weights.npz"):
        write(package / name, "2")
        assert looks.look(code) == ["waves"]
    (tmp_path / "site" / "waves-1.0.dist-info").mkdir()  # The folder changes, not this extractor.
    assert looks.look(code) == []


def test_a_model_that_comes_into_the_home_is_noticed(home: Home) -> None:
    looks = ExtractorWatch(home)
    assert looks.look({"waves": Code()}) == []  # It could not be loaded: it lacks its model.
    (home.root / "waves").mkdir(parents=True)
    write(home.root / "waves" / "model.onnx", "1")
    assert looks.look({"waves": Code()}) == ["waves"]
    assert looks.look({"waves": Code()}) == []


def test_a_change_counts_once_it_is_calm(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_GONE", 3600.0)
    file = tmp_path / "waves.py"
    write(file, "1")
    looks = ExtractorWatch(home)
    code = loaded(file)
    assert looks.look(code) == []
    write(file, "2")
    assert looks.look(code) == []


def test_what_changes_between_loading_and_the_first_look_is_noticed(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "waves.py"
    write(file, "1")
    looks = ExtractorWatch(home)
    assert looks.look({"waves": Code()}) == []
    code = loaded(file)
    write(file, "2")
    looks.look(code)
    assert looks.look(code) == ["waves"]
    assert looks.look(loaded(file)) == []
