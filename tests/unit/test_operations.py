"""Each operation is declared once: all that carry operations out have exactly the declared ones."""

from __future__ import annotations

import inspect

import pytest
from fake_operations import FakeOperations
from loaded_modules import modules_loaded_by

from photofind.app.photofind import PhotoFind
from photofind.daemon.api import create_api
from photofind.daemon.client import Client
from photofind.daemon.resident import Resident
from photofind.declaration import LANES
from photofind.operations import OPERATIONS, Operations

ONLY = {
    PhotoFind: set(),
    Resident: {"look_at_files", "reach", "start", "subscribe"},
    Client: {"start_again", "link", "stop", "upload"},
}
"""What the others have no use for."""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [PhotoFind, Resident, Client])
def test_the_methods_and_what_they_take_are_the_declared_ones(kind: type) -> None:
    assert public(kind) - ONLY[kind] == public(Operations)
    for name in public(Operations):
        declared = getattr(Operations, name)
        if inspect.isfunction(declared):
            theirs = inspect.signature(getattr(kind, name))
            assert parameters(theirs) == parameters(inspect.signature(declared)), name
        else:
            assert not inspect.isfunction(getattr(kind, name)), name


def parameters(signature: inspect.Signature) -> list[tuple[str, object, object]]:
    """Return the parameters, whose types mypy checks; functions as defaults never equal."""
    return [
        (one.name, one.kind, "" if one.name == "progress" else one.default)
        for one in signature.parameters.values()
    ]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_each_has_a_route_and_says_what_it_does(operation) -> None:
    paths = create_api().openapi()["paths"]
    for route in operation.routes:
        path = route.path.replace(":path}", "}")
        assert route.method.lower() in paths[path]
        assert route.lane in LANES
    assert operation.summary.endswith((".", ";", ":")) or operation.description
    assert inspect.getdoc(getattr(PhotoFind, operation.name)), "inherited"
    assert set(operation.notes) <= set(operation.signature.parameters)


def test_who_lacks_an_operation_cannot_be_made() -> None:
    class Incomplete(Operations):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Incomplete()
    FakeOperations()


def test_importing_the_declarations_is_cheap() -> None:
    loaded = modules_loaded_by("import photofind.operations")
    assert not loaded & {
        *("numpy", "pydantic", "fastapi", "starlette", "asyncio", "PIL", "tinydb"),
        *("tomlkit", "tomllib", "psutil", "platformdirs", "photofind.settings"),
    }
