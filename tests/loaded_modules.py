"""What code imports, in a process that has imported nothing yet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

__all__ = ["modules_loaded_by"]


def modules_loaded_by(code: str, environment: Mapping[str, str] | None = None) -> set[str]:
    """Run code in a new process; return the names of the modules that are loaded at its end."""
    code += "\nimport sys; print('\\n', *sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return set(result.stdout.splitlines()[-1].split())
