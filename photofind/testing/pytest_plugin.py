"""A pytest plugin for plugin authors: a home for the tests, and what the extractors cost.

It is not loaded by itself: ``pytest_plugins = ["photofind.testing.pytest_plugin"]`` in a
``conftest.py`` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from photofind.testing.service import run_in_worker
from photofind.testing.suite import ExtractorChecks

__all__ = ["photofind_home", "pytest_terminal_summary"]

_reports: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def photofind_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the session a home of its own, whose path this is: the user's is never touched."""
    with pytest.MonkeyPatch.context() as patch:
        home = str(tmp_path_factory.mktemp("photofind"))
        patch.setenv("PHOTOFIND_HOME", home)
        yield home
        for kind in _all_below(ExtractorChecks):
            name = kind.__dict__.get("extractor")
            if kind._subject is not None and isinstance(name, str):
                _reports.append(f"{name}: {_figures(name)}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report what the extractors that were checked cost."""
    if _reports:
        terminalreporter.section("extractors")
        for line in _reports:
            terminalreporter.line(line)


def _figures(name: str) -> str:
    figures = asdict(run_in_worker(name, measure_only=True).figures)
    return ", ".join(f"{value:g} {key.replace('_', ' ')}" for key, value in figures.items())


def _all_below(kind: type[ExtractorChecks]) -> Iterator[type[ExtractorChecks]]:
    for below in kind.__subclasses__():
        yield below
        yield from _all_below(below)
