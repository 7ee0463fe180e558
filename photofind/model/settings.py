"""One setting as it stands."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Setting", "SettingValue"]

SettingValue = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """One setting as it stands: ``value`` now, ``default``, what it is ``help`` for."""

    name: str
    value: SettingValue
    default: SettingValue
    help: str
