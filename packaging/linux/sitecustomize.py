"""Keeps what users install for photofind apart from what they install for other Pythons.

Packages in ~/.local/lib/python3.X, for the system's Python of the same version, would come before
photofind's own. In their place, plugins that one user installs are kept in
~/.local/share/photofind-plugins; those that root installs go into photofind's own folder.
"""

# ruff: noqa: PTH111 (importing pathlib would slow each start)

from __future__ import annotations

import os
import site
import sys

_VARIABLE = "PYTHONUSERBASE"


def _use_own_folder() -> None:
    if not site.ENABLE_USER_SITE:
        return
    foreign = site.getusersitepackages()
    data = os.environ.get("XDG_DATA_HOME", "")
    if not data.startswith("/"):
        data = os.path.expanduser("~/.local/share")
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = f"{data}/photofind-plugins"
    site.USER_BASE = site.USER_SITE = None
    own = site.getusersitepackages()
    if "pip" not in sys.orig_argv:  # Other programs have folders of their own.
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before
    sys.path[:] = [folder for folder in sys.path if folder != foreign]
    first = next((n for n, folder in enumerate(sys.path) if folder.endswith("-packages")), 0)
    known = len(sys.path)
    site.addsitedir(own)
    added = sys.path[known:]
    sys.path[:] = [*sys.path[:first], *added, *sys.path[first:known]]


_use_own_folder()
