"""Scripts as Nautilus and Caja run them for the selected files."""

from __future__ import annotations

import os

from photofind.desktop.command import Command
from photofind.desktop.integration import MARK, OwnFile

__all__ = ["script"]

# The file manager names the files by URIs, a line each. A name with a line break is one line all
# the same, which it is not in the variable that holds paths, nor are relative names certain.
_SCRIPT = """\
#!/bin/sh
# {mark}
set -f
IFS='
'
exec {command} ${variable}
"""


def script(command: Command, variable: str) -> OwnFile:
    """Return the script for a file manager that puts the URIs of the files into ``variable``."""
    text = _SCRIPT.format(mark=MARK, command=command.similar_by_uri.for_shell(), variable=variable)
    return OwnFile(os.fsencode(text), executable=True)
