"""The setting ``store`` chooses the engine that keeps a library."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from loaded_modules import modules_loaded_by

from photofind.errors import LibraryError
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.memory import MemoryStore
from photofind.library.stores import GROUP, open_store, store_exists
from photofind.settings import Settings, set_setting

asked = []


def open_in_memory(home, address, **how):
    asked.append((address, how))
    return MemoryStore()


@pytest.fixture
def engines(monkeypatch):
    points = [
        EntryPoint("ours", f"{__name__}:open_in_memory", GROUP),
        EntryPoint("broken", "photofind.there_is_no_such_module:x", GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


def test_the_default_keeps_the_library_in_the_home(home):
    assert not store_exists(home)
    with open_store(home, writable=True) as store:
        assert isinstance(store, EmbeddedStore)
    assert store_exists(home)


def test_an_engine_is_chosen_by_the_scheme_of_its_address(home, engines):
    set_setting(home.settings, "store", "ours://there:1/name")
    assert store_exists(home)
    assert isinstance(open_store(home, writable=True), MemoryStore)
    how = {"writable": True, "resident": False, "idle_seconds": 180.0}
    assert asked.pop() == ("ours://there:1/name", how)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("theirs://x", "the engine 'theirs', which is not installed; installed: broken, embed"),
        ("broken", "the engine 'broken' cannot be loaded: ModuleNotFoundError: No module named"),
        ("", "the engine '', which is not installed"),
    ],
)
def test_an_engine_that_cannot_be_used_is_named(home, engines, address, told):
    with pytest.raises(LibraryError) as raised:
        open_store(home, Settings(store=address))
    assert told in str(raised.value)


def test_the_default_engine_has_no_address(home, monkeypatch):
    point = EntryPoint("embedded", "photofind.library.embedded.store:open_embedded", GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    with pytest.raises(LibraryError, match="just 'embedded'"):
        open_store(home, Settings(store="embedded://elsewhere"))


def test_asking_whether_there_is_a_library_is_cheap(home):
    loaded = modules_loaded_by(
        "from photofind.paths import Home; from photofind.library.stores import store_exists;"
        "store_exists(Home.default())"
    )
    assert not loaded & {"numpy", "tinydb"}
