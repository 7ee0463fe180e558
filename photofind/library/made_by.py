"""Which space holds what one build of an extractor makes.

A space belongs to a version. Two builds of a version are to make the same embeddings, and share a
space as long as they do. One that does not gets a space of its own, as if it had another version:
``name@version+build.0a1b2c3d``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from photofind.library.store import Store
from photofind.model.records import Space

if TYPE_CHECKING:
    from photofind.extractors.info import ExtractorInfo

__all__ = ["new_version", "own_version_of", "space_made_by"]

_OWN = re.compile(r"\+build\.[0-9a-f]{8}$")


def own_version_of(space: Space) -> str:
    """Return the version that the extractor of a space gives itself."""
    return _OWN.sub("", space.version)


def space_made_by(store: Store, info: ExtractorInfo, current: str | None = None) -> Space | None:
    """Return the space of an extractor: that of its build, or else that of its version.

    Parameters
    ----------
    current
        The id of the space that was in use last; it is taken where several would do.
    """
    spaces = [
        space
        for space in store.spaces()
        if (space.extractor, space.dimension) == (info.name, info.dimension)
        and own_version_of(space) == info.version
    ]
    return _chosen([space for space in spaces if space.build == info.build], current) or _chosen(
        spaces, current
    )


def new_version(store: Store, info: ExtractorInfo) -> str:
    """Return a version for a new space: the extractor's own, unless another build has that."""
    taken = {space.version for space in store.spaces() if space.extractor == info.name}
    version, times = info.version, 0
    while version in taken:
        facts = f"{info.build} {info.dimension} {times}".encode()
        version = f"{info.version}+build.{hashlib.sha256(facts).hexdigest()[:8]}"
        times += 1
    return version


def _chosen(spaces: Sequence[Space], current: str | None) -> Space | None:
    """Return the current one of some spaces, or else the newest."""
    return next((space for space in spaces if space.id == current), spaces[-1] if spaces else None)
