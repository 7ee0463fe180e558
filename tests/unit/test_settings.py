from __future__ import annotations

import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photofind.errors import SettingsError
from photofind.model.exclude_rules import fault_of_rule
from photofind.settings import (
    Settings,
    SettingsFile,
    list_settings,
    load_settings,
    read_settings,
    repair_settings,
    reset_setting,
    set_setting,
)


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
     ("max_seconds", "inf"), ("nonsense", "1"), ("log_level", "loud"), ("hits", "10001"),
     ("hits", "9" * 5000), ("min_score", "1.01"), ("max_seconds", "1e400"), ("extractor", "a=b"),
     ("extractor", "x" * 2000), ("threads", "257"), ("exclude", "a," * 1001),
     ("max_connections", "31"), ("max_connections", "5000")],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_written(path: Path, name: str, typed: str) -> None:
    with pytest.raises(SettingsError, match=name):
        set_setting(path, name, typed)
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("max_seconds = 'many'", "max_seconds cannot be 'many'; it must be a number"),
        ("max_seconds = true", "max_seconds cannot be True"),
        ("max_seconds = 3601", "it must be from 1 to 3,600"),
        ("max_seconds = nan", "max_seconds cannot be nan"),
        ("max_seconds = " + "9" * 400, "max_seconds cannot be inf"),
        ("max_seconds = " + "9" * 5000, "a number in it has too many digits"),
        ("max_seconds = " + "[" * 50_000, "too many brackets"),
        ("max_seconds", "Expected '='"),
        ("max_seconds = ", "it cannot be read as TOML"),
        ("extractor = '\xff'", "not all of it is UTF-8"),
        ("extractor = ','", "extractor cannot be ','"),
        ("threads = 1.5", "threads cannot be 1.5; it must be a whole number"),
        ("nonsense = 1", "there is no setting 'nonsense'"),
        ("[table]", "there is no setting 'table'"),
        ("log_level = 'loud'", "it must be one of debug"),
        ("also = [1]", "also cannot be [1]; it must be a list of text items"),
        ("exclude = ['IMG_[9-0].jpg']", "'IMG_[9-0].jpg' is not an exclude rule: bad character"),
        ("# \x07", "it cannot be read as TOML"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_rest_holds(path: Path, line: str, told: str) -> None:
    path.write_bytes(f"# mine\nhits = 7  # lucky\n{line}\nidle_minutes = 4\n".encode("latin-1"))
    expected = Settings(hits=7, idle_minutes=4.0)
    found = read_settings(path)
    assert found.settings == expected
    (fault,) = found.faults
    assert fault.message.startswith(f"{path}, line 3: ")
    assert told in fault.message
    assert "\n" not in fault.message
    assert len(fault.message) < len(str(path)) + 300
    set_setting(path, "hits", "8")
    assert read_settings(path).faults == found.faults  # Nothing of the user's is lost by that.
    repair_settings(path)
    assert read_settings(path) == SettingsFile(replace(expected, hits=8))
    assert path.read_text().startswith("# mine\nhits = 8  # lucky\n# ")


def test_of_a_list_only_the_wrong_items_are_left_out(path: Path) -> None:
    path.write_text("exclude = [\n  '*.png',  # one\n  'IMG_[9-0].jpg',\n  3,\n]\n")
    assert load_settings(path).exclude == ("*.png",)
    repair_settings(path)
    assert read_settings(path) == SettingsFile(Settings(exclude=("*.png",)))
    assert "#   'IMG_[9-0].jpg'," in path.read_text()


def test_the_last_of_two_values_counts_and_is_the_one_that_is_changed(path: Path) -> None:
    path.write_text("hits = 7\nthreads = 2\nhits = 8\n")
    found = read_settings(path)
    assert found.settings.hits == 8
    assert ["hits is set again further down" in fault.message for fault in found.faults] == [True]
    set_setting(path, "hits", "9")
    assert path.read_text() == "threads = 2\nhits = 9\n"
    path.write_text("hits = 7\nhits = 8\n")
    reset_setting(path, "hits")
    assert path.read_text() == ""


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    path.mkdir()
    found = read_settings(path)
    assert found.settings == Settings()
    assert [str(path) in fault.message for fault in found.faults] == [True]
    with pytest.raises(SettingsError, match="cannot be read"):
        set_setting(path, "hits", "8")
    path.rmdir()
    path.write_text("#" * 2_000_000)
    assert "is too large" in read_settings(path).faults[0].message


@pytest.mark.parametrize(
    "rule",
    ["IMG_[9-0].jpg", "[z-a]", "a[", "[]", "!", "ends\\", "[[:digit:]]", "x" * 2000, "\ud800"],
)
def test_a_rule_that_is_none_is_refused_in_a_line(path: Path, rule: str) -> None:
    with pytest.raises(SettingsError) as caught:
        set_setting(path, "exclude", rule)
    assert "exclude" in caught.value.message
    assert "\n" not in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("rule", ["", "# a note", "*.png", "[a-z]/", "!kept", "a[]]b", "\\!odd"])
def test_what_gitignore_allows_is_a_rule(rule: str) -> None:
    assert fault_of_rule(rule) is None


_LINES = st.one_of(
    st.builds(
        "{} = {}".format,
        st.sampled_from([field.name for field in fields(Settings)]),
        st.one_of(
            st.integers().map(str),
            st.floats().map(str),
            st.text().map(repr),
            st.lists(st.text()).map(json.dumps),
            st.sampled_from(["true", "[[1]]", "{a = 1}", "1979-05-27", "'''", "[", '"\\ud800"']),
        ),
    ),
    st.text(),
)


@settings(deadline=None, max_examples=50)
@given(lines=st.lists(_LINES, max_size=8), junk=st.binary(max_size=40))
def test_no_file_keeps_the_settings_from_being_read_changed_and_repaired(
    lines: list[str], junk: bytes
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "settings.toml")
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + b"\n" + junk)
        found = read_settings(path)
        assert all("\n" not in fault.message for fault in found.faults)
        for field in fields(Settings):
            assert type(getattr(found.settings, field.name)) is type(field.default)
        repair_settings(path)
        assert read_settings(path) == SettingsFile(found.settings)
        tomllib.loads(path.read_text("utf-8"))
        set_setting(path, "hits", "12")
        assert read_settings(path) == SettingsFile(replace(found.settings, hits=12))
        reset_setting(path, "hits")
        assert load_settings(path) == replace(found.settings, hits=Settings().hits)


@settings(deadline=None, max_examples=50)
@given(name=st.sampled_from([field.name for field in fields(Settings)]), typed=st.text())
def test_whatever_is_typed_is_written_as_it_is_read_or_refused(name: str, typed: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "settings.toml")
        try:
            value = set_setting(path, name, typed)
        except SettingsError:
            assert not path.exists()
        else:
            assert read_settings(path) == SettingsFile(replace(Settings(), **{name: value}))
