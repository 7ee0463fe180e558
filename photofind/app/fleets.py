"""Indexing with a fleet: its workers are checked before they read the first photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from photofind.errors import ExtractorError, WorkerError
from photofind.extractors.registry import extractors_in_use

if TYPE_CHECKING:
    from photofind.app.resources import Resources
    from photofind.extractors.extraction import Extraction

__all__ = ["reading_by_fleet"]


@contextmanager
def reading_by_fleet(
    resources: Resources, address: str | None, extraction: Callable[[str], Extraction]
) -> Iterator[list[str]]:
    """Have a fleet read photos, by the extractors in use, until the end of the block.

    Yields what people should know of it in the end, a line each.

    Parameters
    ----------
    address
        Of the fleet; None to read on this machine.
    extraction
        Gives what embeds photos of the folders with an extractor, by its name.

    Raises
    ------
    FleetError
        It cannot be reached, another one is at work, or a worker has another version of something.
    """
    if address is None:
        yield []
        return
    with resources.fleet.joining(address) as notes:
        if notes is not None:  # As when Ctrl-C ended the waiting for it, and one asks again.
            yield notes
            return
    from photofind.extractors.fleets import WorkOptions, open_fleet

    settings = resources.settings
    options = WorkOptions(
        resources.limits, settings.max_seconds, settings.worker_megabytes, settings.views
    )
    fleet = open_fleet(resources.home, address, options)
    with resources.fleet.using(fleet, address) as notes:
        for name in extractors_in_use(settings):
            try:
                info = extraction(name).info()
            except (ExtractorError, WorkerError):  # Indexing tells of it.
                continue
            if not info.derives_from:
                fleet.check(info)
        yield notes
