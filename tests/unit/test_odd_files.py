"""Small files of the home and of models that hold what no photofind has written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from photofind.app.recent_searches import FILE, recent_searches
from photofind.daemon.page_keys import Generation, recall
from photofind.daemon.pausing import paused_until
from photofind.daemon.runtime import read_runtime
from photofind.errors import ExtractorError
from photofind.extractors.model_file import check_model_file
from photofind.extractors.models import list_models
from photofind.extractors.probe_cache import load_probes
from photofind.paths import Home
from photofind.settings import Settings, load_settings

ODD = {
    "empty": b"",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "null": b"null",
    "list": b"[]",
    "text": b'"text"',
    "infinite": b"1e999",
    "giant": b"9" * 5000,
    "negative": b"-1",
    "not text": b"\xff\xfe\x00",
    "nested": b'{"a": {"b": [1e999, null]}, "c": [], "until": {}, "pid": [], "port": {}}',
    "unknown": b'{"version": 99999999999999999999, "unknown": true}',
    "infinite fields": b'{"until": null, "pid": 1e999, "port": 1e999, "key": 5, "created": "x"}',
}


def of_the_home(name: str, read: Callable[[Home], object], nothing: object) -> object:
    return pytest.param(name, read, nothing, id=name)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    ("name", "read", "nothing"),
    [
        of_the_home("runtime.json", read_runtime, None),
        of_the_home("pause.json", paused_until, None),
        of_the_home("pages.json", lambda home: recall(home).port, Generation(0).port),
        of_the_home(FILE, recent_searches, []),
        of_the_home("cache/extractors.json", load_probes, {}),
        of_the_home("models/odd.toml", list_models, []),
        of_the_home("settings.toml", lambda home: load_settings(home.settings), Settings()),
    ],
)
def test_a_file_that_holds_something_else_is_as_good_as_none(
    tmp_path: Path, name: str, read: Callable[[Home], object], nothing: object, odd: bytes
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(odd)
    assert read(Home(tmp_path)) == nothing


@pytest.mark.parametrize("odd", [ODD["empty"], ODD["deep"], ODD["deep objects"], ODD["not text"]])
def test_a_model_that_holds_something_else_is_refused_in_a_line(tmp_path: Path, odd: bytes) -> None:
    file = tmp_path / "odd.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", odd)
    with pytest.raises(ExtractorError, match=r"^odd\.keras does not hold a Keras model; .*$"):
        check_model_file(file, "keras")


@pytest.mark.parametrize("odd", [5, 1e300, [1, 2], "[" * 60_000])
def test_an_old_model_that_holds_something_else_is_refused_in_a_line(
    tmp_path: Path, odd: object
) -> None:
    h5py = pytest.importorskip("h5py")
    file = tmp_path / "odd.h5"
    with h5py.File(file, "w") as opened:
        opened.attrs["model_config"] = odd
    with pytest.raises(ExtractorError, match=r"^odd\.h5 does not hold a Keras model; .*$"):
        check_model_file(file, "h5")
