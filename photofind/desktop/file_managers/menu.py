"""What the entries of all file managers have in common."""

from __future__ import annotations

__all__ = ["ICON", "LABEL", "TOOLTIP"]

LABEL = "Find similar photos"
TOOLTIP = "Show the photos most like the selected ones"
ICON = "photofind"
"""A name in the icon theme; :mod:`photofind.desktop.application` installs it."""
