"""Whoever is asked, in this process or the daemon, is asked in the same words."""

from __future__ import annotations

import inspect

import pytest

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import Client
from photofind.daemon.resident import Resident
from photofind.daemon.surface import Surface

ONLY = {
    PhotoFind: set(),
    Resident: {"start", "subscribe"},
    Client: {"is_outdated", "link", "stop", "upload"},
}
"""What the others have no use for."""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [PhotoFind, Resident, Client])
def test_the_methods_and_what_they_take_are_the_same(kind: type) -> None:
    assert public(kind) - ONLY[kind] == public(Surface)
    for name in public(Surface):
        method = getattr(Surface, name)
        if inspect.isfunction(method):
            theirs = inspect.signature(getattr(kind, name))
            assert parameters(theirs) == parameters(inspect.signature(method)), name
            assert theirs.return_annotation == inspect.signature(method).return_annotation, name
        else:
            assert not inspect.isfunction(getattr(kind, name)), name


def parameters(signature: inspect.Signature) -> list[tuple[str, object, object, object]]:
    """Return the parameters; a function made as a default is no other's equal."""
    return [
        (one.name, one.kind, one.annotation, "" if one.name == "progress" else one.default)
        for one in signature.parameters.values()
    ]
