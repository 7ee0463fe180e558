"""One process writes to a library from a home; a copy from its own to another writes to both."""

from __future__ import annotations

from pathlib import Path

import pytest

from photofind.errors import LockedError
from photofind.library.lock import writing_to
from photofind.paths import Home


def test_each_library_that_a_home_writes_to_has_a_lock_of_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    places = ("", "milvus://nas:19530/photos", "milvus://nas:19530/others")
    locks = [writing_to(home, place) for place in places]
    for place, lock in zip(places, locks, strict=True):
        with pytest.raises(LockedError, match="another photofind"):
            writing_to(home, place)
        lock.release()
        writing_to(home, place).release()
