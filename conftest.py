"""What all tests need, those of the plugins too.

The tests start child processes, which import the *installed* photofind. Where that is another copy
than this checkout, a run tests two code bases at once and can pass with a broken worker, so it is
refused.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import photofind

ROOT = Path(__file__).parent
FAST = ROOT / "tests/unit"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run if child processes import another photofind than the one that is tested."""
    os.environ.pop("PYTEST_ADDOPTS", None)  # For this run, not for those that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in a shell's background job. Child processes would ignore it too, and tests send it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):  # The process that started this xdist worker has checked it.
        return
    asked = subprocess.run(
        [sys.executable, "-P", "-c", "import photofind; print(photofind.__file__)"],
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=False,
    )
    tested = ROOT / "photofind/__init__.py"
    for found in (asked.stdout.strip() or "nowhere", str(photofind.__file__)):
        if Path(found).resolve() != tested:
            raise pytest.UsageError(
                f"photofind is imported from {found} and not from {tested}; "
                "run `python -m pip install -e '.[test]'` in this checkout"
            )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test outside of ``tests/unit`` as slow."""
    for item in items:
        if not item.path.is_relative_to(FAST):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape lone surrogates, which file names hold and xdist's workers cannot send."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {_encodable(key): _encodable(one) for key, one in value.items()}
        case list() | tuple():
            return type(value)(_encodable(one) for one in value)
    return value
