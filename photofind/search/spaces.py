"""Which spaces answer a query: those that the extractors in use have embedded enough photos in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from photofind.errors import ExtractorError, LibraryError
from photofind.extractors.registry import installed
from photofind.library.store import Store
from photofind.model.extractor_choice import parse_extractors
from photofind.model.fused import fused_space, is_fused
from photofind.model.records import Space
from photofind.paths import Home

__all__ = ["answering_spaces", "complete_fused_space", "space_of", "space_of_version"]

# A space with embeddings of this share of the photos of the fullest one can answer in its place.
COMPLETE = 0.95


def answering_spaces(
    store: Store, home: Home, in_use: str, wanted: str | None = None
) -> dict[Space, float]:
    """Return the spaces that answer a query, with their weights; the first one's photos are hits.

    While the extractor in use has still to embed many photos, another one answers that has
    embedded them, unless the query names one.

    Parameters
    ----------
    home
        Where extractors are installed.
    in_use, wanted
        The names of extractors, with or without weights, as the settings and the query have them.

    Raises
    ------
    ExtractorError, LibraryError
        As :func:`space_of` does.
    """
    counts = _counts(store)
    if wanted is not None:
        named = parse_extractors(wanted)
        return {_space_of(name, counts, store, home, in_use): named[name] for name in named}
    named = parse_extractors(in_use)
    known = {space.extractor for space in counts}
    first = next(iter(named))
    if counts and (
        first not in known
        or counts[_fullest(_of(first, counts), counts)] < COMPLETE * max(counts.values())
    ):
        return {_fullest([*counts], counts): 1.0}
    return {
        _space_of(name, counts, store, home, in_use): weight
        for name, weight in named.items()
        if name in known or name == first
    }


def space_of(store: Store, home: Home, in_use: str, extractor: str | None = None) -> Space:
    """Return the space that answers for an extractor, the first one in use where none is given.

    That is the space of its newest version, once nearly all photos are embedded in it; until then
    the one with the most.

    Raises
    ------
    ExtractorError
        It is not installed, and nothing was ever indexed with it.
    LibraryError
        Nothing was indexed with it yet.
    """
    name = extractor or next(iter(parse_extractors(in_use)))
    return _space_of(name, _counts(store), store, home, in_use)


def complete_fused_space(store: Store, weights: Mapping[Space, float]) -> Space | None:
    """Return the space of several extractors together, if it can answer in the place of theirs.

    It has nearly all contents that any of them has, and an index where they have one.
    """
    if len(weights) < 2:
        return None
    wanted = fused_space(weights).id
    fused = next((space for space in store.spaces() if space.id == wanted), None)
    if fused is None:
        return None
    done, *parts = (store.space_counts(one.id).contents for one in (fused, *weights))
    if not done or done < COMPLETE * max(parts):
        return None
    has_index = store.index(fused.id) is not None
    return fused if has_index or not any(store.index(one.id) for one in weights) else None


def space_of_version(store: Store, extractor: str, version: str) -> Space:
    """Return the space of one version of an extractor, where any photos are embedded in it.

    Raises
    ------
    LibraryError
        None are.
    """
    for space, count in _counts(store).items():
        if (space.extractor, space.version) == (extractor, version) and count:
            return space
    raise LibraryError(
        f"no photo was embedded by version {version} of {extractor} yet, which is installed",
        "run `photofind index`",
    )


def _counts(store: Store) -> dict[Space, int]:
    """Return how many photos are embedded in each extractor's space, the oldest space first."""
    return {
        space: store.space_counts(space.id).embedded
        for space in store.spaces()
        if not is_fused(space)
    }


def _of(extractor: str, spaces: Collection[Space]) -> list[Space]:
    return [space for space in spaces if space.extractor == extractor]


def _fullest(spaces: Collection[Space], counts: Mapping[Space, int]) -> Space:
    """Return the newest of the spaces that have nearly as many photos as any of them."""
    enough = COMPLETE * max(counts[space] for space in spaces)
    return [space for space in spaces if counts[space] >= enough][-1]


def _space_of(
    name: str, counts: Mapping[Space, int], store: Store, home: Home, in_use: str
) -> Space:
    if spaces := _of(name, counts):
        return _fullest(spaces, counts)
    if not store.folders():
        raise LibraryError(
            "there are no photos to search in yet",
            "add some with `photofind folders add ~/Pictures`, then run `photofind index`",
        )
    if name not in {plugin.name for plugin in installed(home)}:
        raise ExtractorError(
            f"there is no extractor {name!r}", "`photofind extractors` lists what is installed"
        )
    if name in parse_extractors(in_use):
        raise LibraryError("nothing is indexed yet", "run `photofind index`")
    raise LibraryError(
        f"nothing is indexed with the extractor {name!r} yet",
        f"run `photofind extractors use {name}`, then `photofind index`",
    )
