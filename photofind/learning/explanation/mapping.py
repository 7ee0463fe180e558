"""The feature maps of the two photos of an explanation, as far as an extractor has any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photofind.errors import PhotofindError, WorkerStoppedError
from photofind.learning.explanation.cells import Map, pooled
from photofind.library.store import Store
from photofind.model.records import Photo, Space
from photofind.ranking.projection import Vectors32
from photofind.search.embedding import CannotEmbed
from photofind.search.feature_maps import feature_maps

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.extractors.info import ExtractorInfo

__all__ = ["Maps", "maps_of"]

# The cosine of an embedding, stored with 16 bits a number, with the mean over the map it is of.
_SAME = 0.999


@dataclass(frozen=True, eq=False)
class Maps:
    """The feature maps of two photos.

    Parameters
    ----------
    space
        Of whose extractor they are.
    pair
        The maps of the query and of the hit, (h, w, C) each; none where there are none.
    is_exact
        Whether their means are the embeddings that are compared.
    note
        Why there are none, or why they are not exact.
    """

    space: Space
    pair: tuple[Map, ...]
    is_exact: bool = False
    note: str | None = None


def maps_of(
    store: Store,
    space: Space,
    photos: Sequence[Photo],
    embeddings: Sequence[Vectors32],
    extraction: Callable[[str], Extraction],
) -> Maps:
    """Return the feature maps of the extractor of a space, or of one that it derives from.

    Parameters
    ----------
    photos
        The two photos, which are read afresh.
    embeddings
        What is compared: their embeddings in the space, (D,) each.
    extraction
        Gives what embeds photos, by the extractor's name.
    """
    name = space.extractor

    def none(why: str) -> Maps:
        return Maps(space, (), note=f"regions are not available: {why}")

    for photo in photos:
        if photo.away is not None:  # Another photo may be at its path.
            return none(f"the drive of {photo.path} is not connected")
    try:
        info = extraction(name).info()
        source = _source(store, space, info, extraction)
        if source is None:
            return none(f"{name} has no feature maps")
        first, second = feature_maps(source, [photo.path for photo in photos], extraction)
    except WorkerStoppedError:
        raise
    except CannotEmbed as failure:
        return none(str(failure.reason))
    except PhotofindError as error:
        return none(error.message)
    if first.shape[0] == 1:
        return none(f"the feature maps of {name} have no rows and columns")
    if source != space:
        return Maps(source, (first, second), note=_derived(name, source.extractor))
    for one, embedding in zip((first, second), embeddings, strict=True):
        if one.shape[-1] != len(embedding) or float(pooled(one) @ embedding) < _SAME:
            return Maps(source, (first, second), note=_inexact(name))
    return Maps(source, (first, second), is_exact=True)


def _source(
    store: Store, space: Space, info: ExtractorInfo, extraction: Callable[[str], Extraction]
) -> Space | None:
    """Return the space of the extractor whose feature maps are looked at; None without any."""
    if "feature_map" in info.abilities:
        return space
    for base in info.derives_from:
        name = base.partition("@")[0]
        spaces = [one for one in store.spaces() if one.extractor == name]
        if spaces and "feature_map" in extraction(name).info().abilities:
            return spaces[-1]
    return None


def _derived(name: str, base: str) -> str:
    return (
        f"the regions are where {base} finds the photos alike; what {name} makes of that "
        "as a whole cannot be shared out over regions"
    )


def _inexact(name: str) -> str:
    return (
        f"the regions are where the feature maps of {name} are alike; they do not add up to its "
        "similarity, because its embeddings are more than their mean, or a file has changed"
    )
