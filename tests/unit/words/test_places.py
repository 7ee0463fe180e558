"""The names of places, by the nearest towns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from photofind.words.place_service import PlaceService
from photofind.words.places import Place, PlaceFinder


@pytest.fixture(scope="module")
def service() -> PlaceService:
    return PlaceService()


@pytest.mark.parametrize(
    ("coordinates", "town", "country"),
    [
        ((48.8584, 2.2945), "Paris", "France"),  # Nearer to the centre of Neuilly.
        ((51.5, 0.0), "London", "United Kingdom"),
        ((40.6892, -74.0445), "New York City", "United States"),
        ((40.72, -74.05), "Jersey City", "United States"),  # Of another state.
        ((47.5576, 10.7498), "Schwangau", "Germany"),
        ((69.65, 18.96), "Troms\u00f8", "Norway"),  # Degrees of longitude are short there.
    ],
)
def test_a_photo_is_in_a_town(
    service: PlaceService, coordinates: tuple[float, float], town: str, country: str
) -> None:
    (found,) = service.find(np.array([coordinates]))
    assert found is not None
    assert (found[0], found[2]) == (town, country)


@pytest.mark.parametrize(
    "coordinates",
    [(0.0, 0.0), (64.07, -16.2), (-40.0, -120.0), (math.nan, 1.0), (91.0, 0.0), (0.0, 200.0)],
)
def test_what_is_far_from_any_place_is_at_none(
    service: PlaceService, coordinates: tuple[float, float]
) -> None:
    assert service.find(np.array([coordinates])) == [None]


def test_a_worker_finds_them() -> None:
    finder = PlaceFinder()
    try:
        assert finder.find([]) == []
        assert finder.pid is None
        place, none = finder.find([(52.499, 13.42), (0, 0)])
    finally:
        finder.close()
    assert none is None
    assert place == Place("Berlin", "State of Berlin", "Germany", "Kreuzberg")
    assert place.names() == ("Kreuzberg", "Berlin", "State of Berlin", "Germany")
    assert str(place) == "Berlin, State of Berlin, Germany"
