"""The checks as a class of tests for pytest, to be extended in a plugin's own test suite."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, ClassVar

from photofind.testing.checks import CHECKS, Subject

__all__ = ["ExtractorChecks"]


class ExtractorChecks:
    """Every check of :data:`~photofind.testing.CHECKS` as a test.

    Attributes
    ----------
    extractor : str, or callable
        What is tested: the name of an extractor that is installed, or what makes one, as a
        ``staticmethod``.
    """

    extractor: ClassVar[str | Callable[[], Any]]
    _subject: ClassVar[Subject | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Have pytest run the test once for each check."""
        if "check" in metafunc.fixturenames:
            names = [check.__name__.removeprefix("check_") for check in CHECKS]
            metafunc.parametrize("check", CHECKS, ids=names)

    def test_conformance(self, check: Callable[[Subject], None]) -> None:
        """The extractor keeps a promise of the protocol."""
        kind = type(self)
        if kind._subject is None:
            _away_from_home()
            kind._subject = Subject(kind.extractor)
        check(kind._subject)


def _away_from_home() -> None:
    """Have tests use a home of their own where nobody has chosen one."""
    if "PHOTOFIND_HOME" not in os.environ:
        folder = tempfile.mkdtemp(prefix="photofind-tests-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["PHOTOFIND_HOME"] = folder
