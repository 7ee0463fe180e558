"""How often the interpreter looks through what there is for garbage that refers to itself."""

from __future__ import annotations

import gc

__all__ = ["look_as_usual", "look_seldom"]

_USUAL = gc.get_threshold()
# So many new objects: more than a command makes that asks the daemon.
_SELDOM = 50_000


def look_seldom() -> None:
    """Save a short process the looking: 2 ms of 60."""
    gc.set_threshold(_SELDOM)


def look_as_usual() -> None:
    """Look as usual again where `look_seldom` was called: large arrays may be among the garbage."""
    if gc.get_threshold()[0] == _SELDOM:
        gc.set_threshold(*_USUAL)
