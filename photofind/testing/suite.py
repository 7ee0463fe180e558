"""The checks as a base class for pytest test classes in a plugin's test suite."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, ClassVar

from photofind.errors import ExtractorError, WorkerError
from photofind.testing.checks import CHECKS
from photofind.testing.equal_failures import EqualFailures
from photofind.testing.subject import Subject

__all__ = ["ExtractorChecks"]


class ExtractorChecks:
    """Runs every check of :data:`~photofind.testing.CHECKS` as a test.

    Attributes
    ----------
    extractor : str, or callable
        The extractor under test: the name of an installed one, or a factory as a
        ``staticmethod``.
    """

    extractor: ClassVar[str | Callable[[], Any]]
    _subject: ClassVar[Subject | None] = None
    _failures: ClassVar[EqualFailures]

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Parametrize the test with all checks."""
        if "check" in metafunc.fixturenames:
            names = [check.__name__.removeprefix("check_") for check in CHECKS]
            metafunc.parametrize("check", CHECKS, ids=names)

    def test_conformance(self, check: Callable[[Subject], None]) -> None:
        """The extractor conforms to the protocol."""
        kind = type(self)
        if kind._subject is None:
            _use_temporary_home()
            kind._subject, kind._failures = Subject(kind.extractor), EqualFailures()
        kind._failures.skip_the_rest()
        try:
            check(kind._subject)
        except (ExtractorError, WorkerError) as error:
            kind._failures.add(check.__name__.removeprefix("check_"), error)
            raise


def _use_temporary_home() -> None:
    """Use a temporary home, unless PHOTOFIND_HOME is set."""
    if "PHOTOFIND_HOME" not in os.environ:
        folder = tempfile.mkdtemp(prefix="photofind-tests-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["PHOTOFIND_HOME"] = folder
