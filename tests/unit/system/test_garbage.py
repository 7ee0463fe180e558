"""A command that asks the daemon looks for garbage seldom; what does the work itself, as usual."""

from __future__ import annotations

import subprocess
import sys

from photofind.paths import Home

SCRIPT = """
import gc
usual = gc.get_threshold()
import photofind.cli
from photofind import Query, connect
assert gc.get_threshold()[0] > 10 * usual[0]
with connect(daemon=False):
    assert gc.get_threshold() == usual
gc.set_threshold(5)  # As a program that uses photofind may choose.
with connect(daemon=False):
    assert gc.get_threshold()[0] == 5
"""


def test_only_what_asks_the_daemon_looks_for_garbage_seldom(home: Home) -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)
