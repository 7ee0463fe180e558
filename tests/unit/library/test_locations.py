"""Who a machine is in a library that several share, and where its shares are."""

from __future__ import annotations

import sys

import pytest

from photofind.errors import LibraryError
from photofind.library.locations import Locations, machine_of


def test_an_address_says_who_a_machine_is() -> None:
    machine = machine_of([("machine", "attic"), ("share", "nas:/mnt/nas/"), ("tls", "1")])
    assert machine.name == "attic"
    assert machine.watcher == f"{machine.user}@attic"
    if sys.platform != "win32":
        assert machine.shares == {"nas": "/mnt/nas"}
    assert machine_of([]).name


@pytest.mark.parametrize(
    ("option", "value"),
    [("machine", "a/b"), ("machine", "a b"), ("share", "nas"), ("share", "nas:here"),
     ("share", "n/s:/mnt"), ("share", ":/mnt")],
)  # fmt: skip
def test_what_cannot_be_a_name_is_refused(option: str, value: str) -> None:
    with pytest.raises(LibraryError) as caught:
        machine_of([(option, value)])
    assert caught.value.hint
    assert value in str(caught.value)


def test_a_share_is_never_taken_for_a_machine_of_its_name() -> None:
    attic, nas = Locations("attic", {"nas": "/mnt/nas"}), Locations("nas", {})
    assert attic.tree("/mnt/nas/a.jpg") != nas.tree("/a.jpg")
    assert attic.path_of(*nas.tree("/a.jpg")) == "/@nas/a.jpg"
    assert nas.tree("/@nas/a.jpg") == nas.tree("/a.jpg")
