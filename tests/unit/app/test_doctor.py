"""Each check of the doctor stands for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from photofind.app import doctor
from photofind.errors import LibraryError
from photofind.library.memory import MemoryStore
from photofind.model import Check
from photofind.model.records import Folder
from photofind.paths import Home
from photofind.system.reach import Reach


class Damaged(MemoryStore):
    """A library that cannot be checked."""

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        yield Check("catalog", "ok", "it can be read")
        raise LibraryError("the drive does not answer", "replace it")


def test_the_others_are_made_if_one_check_cannot(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Check:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(doctor, "_privacy", refuse)
    library = Damaged()
    library.put_folder(Folder("/nowhere", added=0.0))
    checks = doctor.examine(home, lambda: nullcontext(library), lambda: None, Reach(), repair=False)
    found = {check.name: check for check in checks}
    assert [*found] == [
        *("files", "settings", "permissions", "disk", "catalog", "library", "extractor"),
        "folder /nowhere",
    ]
    assert found["permissions"].state == "broken"
    assert "Input/output error" in found["permissions"].message
    assert (found["library"].state, found["library"].advice) == ("broken", "replace it")
