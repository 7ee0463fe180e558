"""Scripts that Nautilus and Caja run for the selected files."""

from __future__ import annotations

import os

from photofind.desktop.command import Command
from photofind.desktop.integration import MARK, OwnFile

__all__ = ["script"]

# The file manager passes one URI per line. Unlike in the variable with paths, a name with a line
# break stays one line, and names are always absolute.
_SCRIPT = """\
#!/bin/sh
# {mark}
set -f
IFS='
'
exec {command} ${variable}
"""


def script(command: Command, variable: str) -> OwnFile:
    """Return the script for a file manager that puts the URIs of the files into ``variable``.

    They follow the command.
    """
    text = _SCRIPT.format(mark=MARK, command=command.for_shell(), variable=variable)
    return OwnFile(os.fsencode(text), executable=True)
