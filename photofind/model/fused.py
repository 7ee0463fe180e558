"""The space of several extractors that compare together: their embeddings, laid end to end."""

from __future__ import annotations

from collections.abc import Mapping

from photofind.model.records import Space

__all__ = ["fused_parts", "fused_space", "is_fused"]

_BETWEEN = ","


def fused_space(weights: Mapping[Space, float]) -> Space:
    """Return the space of several spaces, which have these weights.

    Its extractor is the choice of theirs in alphabetical order, as in ``a,b`` or ``a=2,b``, and its
    version is theirs: the same whatever order they were named in, and another one where the weights
    or a version are others.
    """
    parts = fused_parts(weights)
    least = min(parts.values())
    names = [
        space.extractor if weight == least else f"{space.extractor}={weight / least:g}"
        for space, weight in parts.items()
    ]
    return Space(
        _BETWEEN.join(names),
        "+".join(space.version for space in parts),
        sum(space.dimension for space in parts),
    )


def fused_parts(weights: Mapping[Space, float]) -> dict[Space, float]:
    """Return spaces with their weights in the order in which they are laid end to end."""
    return dict(sorted(weights.items(), key=lambda part: part[0].extractor))


def is_fused(space: Space) -> bool:
    """Return whether a space is one of several extractors."""
    return _BETWEEN in space.extractor
