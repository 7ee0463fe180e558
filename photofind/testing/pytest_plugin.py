"""A pytest plugin for plugin authors: a separate home for tests, and a report of costs.

It is loaded only by ``pytest_plugins = ["photofind.testing.pytest_plugin"]`` in ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from photofind.errors import ExtractorError
from photofind.testing.service import run_in_worker
from photofind.testing.suite import ExtractorChecks

__all__ = ["photofind_home", "pytest_terminal_summary"]

_reports: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def photofind_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Use a temporary home for the session and return its path; the user's is not touched."""
    with pytest.MonkeyPatch.context() as patch:
        home = str(tmp_path_factory.mktemp("photofind"))
        patch.setenv("PHOTOFIND_HOME", home)
        yield home
        for kind in _all_subclasses(ExtractorChecks):
            name = kind.__dict__.get("extractor")
            if kind._subject is not None and isinstance(name, str):
                _reports.append(f"{name}: {_figures(name)}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report the cost of the extractors that were checked."""
    if _reports:
        terminalreporter.section("extractors")
        for line in _reports:
            terminalreporter.line(line)


def _figures(name: str) -> str:
    try:
        report = run_in_worker(name, measure_only=True)
    except ExtractorError as error:  # A test has said so already.
        return error.message
    figures = asdict(report.figures) if report.figures else {}
    return ", ".join(f"{value:g} {key.replace('_', ' ')}" for key, value in figures.items())


def _all_subclasses(kind: type[ExtractorChecks]) -> Iterator[type[ExtractorChecks]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _all_subclasses(subclass)
