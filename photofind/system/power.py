"""Detecting battery power."""

from __future__ import annotations

__all__ = ["on_battery"]


def on_battery() -> bool:
    """Return whether the machine runs on battery; False if it has none."""
    import psutil

    # psutil does not have this function on all platforms.
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    return battery is not None and battery.power_plugged is False
