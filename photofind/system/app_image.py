"""Whether photofind runs from an AppImage, whose files lie elsewhere each time it is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["app_image"]


def app_image() -> str | None:
    """Return the path of the AppImage that this process runs from; None if it does not.

    AppImages set both variables, for all programs that they start too.
    """
    file, mounted = os.environ.get("APPIMAGE"), os.environ.get("APPDIR")
    return file if file and mounted and Path(sys.prefix).is_relative_to(mounted) else None
