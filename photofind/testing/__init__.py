"""For the authors of extractor plugins: checks of every promise of the protocol.

In a plugin's own test suite::

    from photofind.testing import ExtractorChecks

    class TestSunset(ExtractorChecks):
        extractor = "sunset"

runs each check as a test. ``pytest_plugins = ["photofind.testing.pytest_plugin"]`` in its
``conftest.py`` gives the tests a home of their own, and a report of speed and memory at the end.
``photofind extractors check sunset`` runs the same checks from the command line.
"""

from photofind.testing.checks import CHECKS, CheckFailedError, Subject, check_extractor, measure
from photofind.testing.suite import ExtractorChecks

__all__ = [
    "CHECKS",
    "CheckFailedError",
    "ExtractorChecks",
    "Subject",
    "check_extractor",
    "measure",
]
