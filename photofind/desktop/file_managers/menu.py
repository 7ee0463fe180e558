"""Label, tooltip and icon of the entries in all file managers."""

from __future__ import annotations

__all__ = ["ICON", "LABEL", "TOOLTIP"]

LABEL = "Find similar photos"
TOOLTIP = "Show the photos most like the selected ones"
ICON = "photofind"
"""The icon's name in the icon theme; :mod:`photofind.desktop.application` installs it."""
