"""The checks of stores as a class of tests for pytest, to be extended in an engine's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from photofind.library.store import Store
from photofind.testing.stores.photos import PHOTO_CHECKS
from photofind.testing.stores.searching import SEARCH_CHECKS
from photofind.testing.stores.sharing import SHARING_CHECKS
from photofind.testing.stores.spaces import SPACE_CHECKS
from photofind.testing.stores.subject import StoreCheck, StoreSubject

__all__ = ["STORE_CHECKS", "StoreChecks"]

STORE_CHECKS: tuple[StoreCheck, ...] = PHOTO_CHECKS + SPACE_CHECKS + SEARCH_CHECKS + SHARING_CHECKS
"""All checks; those of what an engine does not do raise ``unittest.SkipTest``."""


class StoreChecks:
    """Every check of :data:`STORE_CHECKS` as a test.

    Attributes
    ----------
    lasting : bool
        Whether a library is still there after all openings of it were closed.
    graphs : bool
        Whether the engine builds graphs; trying one takes half a minute.
    """

    lasting: ClassVar[bool] = True
    graphs: ClassVar[bool] = False

    def open_store(self, folder: Path, /, *, writable: bool) -> Store:
        """Open the library of a folder; the same folder is the same library."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Have pytest run the test once for each check."""
        if "check" in metafunc.fixturenames:
            names = [check.__name__.removeprefix("check_") for check in STORE_CHECKS]
            metafunc.parametrize("check", STORE_CHECKS, ids=names)

    def test_conformance(self, check: StoreCheck, tmp_path: Path) -> None:
        """The store keeps a promise of the protocol."""
        check(StoreSubject(self.open_store, tmp_path, lasting=self.lasting, graphs=self.graphs))
