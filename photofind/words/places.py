"""The names of the places where photos were taken: a worker knows them (GeoNames, CC BY 4.0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photofind.workers import Worker

__all__ = ["Place", "PlaceFinder"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo was taken, in words; "" for what is not known.

    Parameters
    ----------
    town
        The town that it was taken in, or near to.
    region
        The state, province or region.
    country
        The country, in English.
    quarter
        The quarter, suburb or village of the town that is nearer still.
    """

    town: str
    region: str
    country: str
    quarter: str = ""

    def names(self) -> tuple[str, ...]:
        """Return all of its names, the smallest place first."""
        names = (self.quarter, self.town, self.region, self.country)
        return tuple(dict.fromkeys(filter(None, names)))

    def __str__(self) -> str:
        parts = (self.town, self.region, self.country)
        return ", ".join(dict.fromkeys(filter(None, parts)))


class PlaceFinder:
    """Finds the places of coordinates, in a worker of its own: the names take 160 MB.

    Parameters
    ----------
    idle_seconds
        The worker ends after so long without work.
    log
        Where the worker's messages are appended.
    """

    def __init__(self, *, idle_seconds: float | None = 30.0, log: Path | None = None) -> None:
        self._worker = Worker(
            "photofind.words.place_service:PlaceService",
            name="places",
            idle_seconds=idle_seconds,
            log=log,
        )

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()

    @property
    def pid(self) -> int | None:
        """The process id of the worker; None where none runs."""
        return self._worker.pid

    def find(self, coordinates: Sequence[tuple[float, float]]) -> list[Place | None]:
        """Return the places of coordinates: latitude and longitude in degrees, WGS 84.

        None where no place is within 30 km, for (0, 0), which devices write that do not know where
        they are, and for what are no coordinates.

        Raises
        ------
        WorkerError
            The worker failed.
        """
        if not coordinates:
            return []
        points = np.array(coordinates, np.float64).reshape(-1, 2)
        reply = self._worker.call("find", points, timeout=120)
        return [names and Place(*names) for names in reply.value]
