"""How the steps of indexing differ between a daemon and a command."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IN_DAEMON", "ONE_SHOT", "Manner"]


@dataclass(frozen=True)
class Manner:
    """How the steps differ between a daemon and a command.

    Parameters
    ----------
    batch_seconds
        How long a batch takes about; more urgent work waits for so long.
    thumbnails_first
        Whether a backlog is read twice, where the settings allow it.
    tries_again
        Whether extractors that do not work are tried again.
    """

    batch_seconds: float
    thumbnails_first: bool
    tries_again: bool


IN_DAEMON = Manner(batch_seconds=0.7, thumbnails_first=True, tries_again=True)
ONE_SHOT = Manner(batch_seconds=1.5, thumbnails_first=False, tries_again=False)
