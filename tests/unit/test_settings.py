from __future__ import annotations

from pathlib import Path

import pytest

from photofind.errors import SettingsError
from photofind.settings import Settings, list_settings, load_settings, reset_setting, set_setting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_a_file_all_is_as_it_comes(path: Path) -> None:
    assert load_settings(path) == Settings()
    assert all(setting.value == setting.default for setting in list_settings(path))
    assert all(setting.help for setting in list_settings(path))
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("hits", "50", 50),
        ("min_score", "0.25", 0.25),
        ("max_seconds", "5", 5.0),
        ("extractor", "other", "other"),
        ("exclude", "*.png, Screenshots/", ("*.png", "Screenshots/")),
        ("exclude", "", ()),
        ("autostart_daemon", "false", False),
        ("log_level", "debug", "debug"),
    ],
)
def test_what_is_set_is_loaded(path: Path, name: str, typed: str, value: object) -> None:
    assert set_setting(path, name, typed) == value
    assert getattr(load_settings(path), name) == value
    assert reset_setting(path, name) == getattr(Settings(), name)
    assert load_settings(path) == Settings()


def test_comments_and_other_settings_stay(path: Path) -> None:
    path.write_text("# mine\nhits = 7  # lucky\n")
    set_setting(path, "extractor", "other")
    assert "# mine\nhits = 7  # lucky\n" in path.read_text()
    assert load_settings(path) == Settings(hits=7, extractor="other")


@pytest.mark.parametrize(
    ("name", "typed"),
    [("hits", "many"), ("hits", "0"), ("hits", "1.5"), ("min_score", "-1"), ("min_score", "nan"),
     ("max_seconds", "inf"), ("nonsense", "1"), ("log_level", "loud"), ("max_connections", "31"),
     ("max_connections", "5000")],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_written(path: Path, name: str, typed: str) -> None:
    with pytest.raises(SettingsError, match=name):
        set_setting(path, name, typed)
    assert not path.exists()


@pytest.mark.parametrize("text", ["hits = 'many'", "hits = true", "nonsense = 1", "hits", "\xff"])
def test_a_file_that_cannot_be_used_is_named(path: Path, text: str) -> None:
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "hits = " + "9" * 5000,
        "hits = " + "9" * 400,
        "max_seconds = " + "9" * 400,
        "hits = " + "[" * 50_000,
        "hits = 1.5",
        "unknown = 1",
    ],
)
def test_what_no_setting_can_be_is_told_in_a_line(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
