"""The XDG base directories."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["config_folder", "data_folder", "system_config_folders", "system_data_folders"]


def data_folder() -> Path:
    """Return ``$XDG_DATA_HOME``."""
    return _folder("XDG_DATA_HOME", ".local/share")


def config_folder() -> Path:
    """Return ``$XDG_CONFIG_HOME``."""
    return _folder("XDG_CONFIG_HOME", ".config")


def system_config_folders() -> list[Path]:
    """Return the folders of ``$XDG_CONFIG_DIRS``, in order of precedence."""
    named = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [Path(folder) for folder in named.split(":") if folder.startswith("/")]


def system_data_folders() -> list[Path]:
    """Return the folders of ``$XDG_DATA_DIRS``, in order of precedence."""
    named = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(folder) for folder in named.split(":") if folder.startswith("/")]


def _folder(variable: str, otherwise: str) -> Path:
    named = os.environ.get(variable, "")
    # The specification says to ignore relative paths.
    return Path(named) if named.startswith("/") else Path.home() / otherwise
