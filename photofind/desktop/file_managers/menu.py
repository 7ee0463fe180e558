"""Label, tooltip and icon of the entries in all file managers."""

from __future__ import annotations

__all__ = ["ICON", "KNOWN_LABEL", "KNOWN_TOOLTIP", "LABEL", "TOOLTIP"]

LABEL = "Find similar photos"
TOOLTIP = "Show the photos most like the selected ones"
KNOWN_LABEL = "Which of these are new?"
"""In the menu of a folder."""

KNOWN_TOOLTIP = "Show which photos of the folder are in the library already"
ICON = "photofind"
"""The icon's name in the icon theme; :mod:`photofind.desktop.application` installs it."""
