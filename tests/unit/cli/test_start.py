"""Starting is fast, because nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys


def test_the_commands_start_without_anything_heavy() -> None:
    code = (
        "import sys, photofind.cli\n"
        "heavy = {'numpy', 'PIL', 'tinydb', 'rich', 'tensorflow', 'keras', 'numba', 'sklearn',\n"
        "         'pynndescent', 'ai_edge_litert', 'psutil', 'asyncio', 'multiprocessing'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []
