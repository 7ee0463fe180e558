"""Finding and loading what distributions offer as entry points."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from photofind.errors import PhotofindError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["load_point", "points_of"]

log = logging.getLogger(__name__)


def points_of(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by their names; nothing is imported."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def load_point(point: EntryPoint, what: str, error: type[PhotofindError]) -> Any:
    """Return what an entry point names.

    Parameters
    ----------
    what
        What it is, for messages.
    error
        Raised with the reason where it cannot be loaded; a `PhotofindError` of its own passes.
    """
    try:
        return point.load()
    except PhotofindError:
        raise
    except Exception as cause:  # A plugin: whatever it raises is named, not shown.
        log.exception("%s cannot be loaded", what)
        reason = " ".join(f"{type(cause).__name__}: {cause}".split())
        raise error(f"{what} cannot be loaded: {reason}") from cause
