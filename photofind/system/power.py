"""Whether the machine runs on battery, where work that can wait does."""

from __future__ import annotations

__all__ = ["on_battery"]


def on_battery() -> bool:
    """Return whether the machine runs on its battery; False where it has none."""
    import psutil

    # There is no such function on platforms of which psutil knows nothing.
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    return battery is not None and battery.power_plugged is False
