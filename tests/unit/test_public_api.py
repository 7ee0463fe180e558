"""What ``photofind`` exports: exactly the stable API, and at no cost until it is used."""

from __future__ import annotations

import pytest
from loaded_modules import modules_loaded_by

import photofind

NAMES = {"PhotoFind", "Query", "__version__", "connect"}


def test_exactly_the_stable_names_are_exported() -> None:
    assert set(photofind.__all__) == NAMES
    assert set(dir(photofind)) >= NAMES
    for name in NAMES:
        assert getattr(photofind, name)
    with pytest.raises(AttributeError, match="nonsense"):
        photofind.nonsense  # noqa: B018


def test_importing_it_loads_none_of_them() -> None:
    loaded = modules_loaded_by("import photofind")
    assert {name for name in loaded if name.startswith("photofind")} == {"photofind"}


def test_they_are_what_they_say(home) -> None:
    from photofind import PhotoFind, Query, connect

    with connect(home, daemon=False) as answering:
        assert isinstance(answering, PhotoFind)
        assert answering.folders() == []
    assert Query(like=(5,)).like == (5,)
