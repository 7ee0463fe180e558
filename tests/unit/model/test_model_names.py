"""The names that `photofind.model` exports, each loaded when it is first used."""

from __future__ import annotations

import pytest
from loaded_modules import modules_loaded_by

from photofind import model


def test_importing_it_loads_none_of_its_modules() -> None:
    loaded = modules_loaded_by("import photofind.model")
    assert "photofind.model" in loaded
    assert not [name for name in loaded if name.startswith("photofind.model.")]


def test_a_name_loads_the_module_that_has_it() -> None:
    loaded = modules_loaded_by("from photofind.model import Setting")
    assert [one for one in loaded if one.startswith("photofind.model.")] == [
        "photofind.model.settings"
    ]


@pytest.mark.parametrize("name", model.__all__)
def test_each_name_is_there(name: str) -> None:
    assert getattr(model, name) is getattr(model, name)
    assert name in dir(model)


def test_another_name_is_told_as_missing() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Photograph'"):
        model.Photograph  # noqa: B018
