"""Conformance checks of the extractor protocol, for the authors of plugins.

In a plugin's own test suite::

    from photofind.testing import ExtractorChecks

    class TestSunset(ExtractorChecks):
        extractor = "sunset"

runs each check as a test. ``pytest_plugins = ["photofind.testing.pytest_plugin"]`` in its
``conftest.py`` makes the tests use a separate home, and reports speed and memory at the end.
``photofind extractors check sunset`` runs the same checks from the command line.
"""

from photofind.testing.checks import CHECKS, check_extractor
from photofind.testing.measuring import measure
from photofind.testing.subject import CheckFailedError, Subject
from photofind.testing.suite import ExtractorChecks

__all__ = [
    "CHECKS",
    "CheckFailedError",
    "ExtractorChecks",
    "Subject",
    "check_extractor",
    "measure",
]
