"""Which photos to judge next: those about which the judgements so far say least.

References
----------
Tong and Chang, "Support vector machine active learning for image retrieval", ACM Multimedia 2001:
the photos nearest to the boundary between what is wanted and what is not tell the most.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.ranking.projection import Vectors32

__all__ = ["boundary", "nearest_to_boundary"]

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

# Photos nearer to each other than this say the same.
ALIKE = 0.9


def boundary(base: Values, fits: Values, liked: Places, disliked: Places, half: float) -> float:
    """Return how well a photo fits that is as likely wanted as not.

    Parameters
    ----------
    base
        How well n photos fit the query alone, (n,): what judged photos fit before they were judged.
    fits
        How well they fit with all judgements, (n,), standardised.
    liked, disliked
        The places of judged photos.
    half
        What ``base`` is of a photo that fits a query well; the boundary where nothing is disliked.
    """
    if len(disliked):
        low = float(base[disliked].mean())
        level = (float(base[liked].mean()) + low) / 2 if len(liked) else low
    else:
        level = half
    order = np.argsort(base, kind="stable")
    # The fit of the photo that stands there now stands where the base had the level.
    place = int(np.searchsorted(base[order], level))
    return float(np.sort(fits)[min(place, len(fits) - 1)])


def nearest_to_boundary(
    fits: Values, level: float, vectors: Vectors32, allowed: npt.NDArray[np.bool_], count: int
) -> Places:
    """Return the places of up to ``count`` photos to be judged next, the most telling first.

    Parameters
    ----------
    fits
        How well n photos fit, (n,).
    level
        The boundary.
    vectors
        The photos, float32 (n, d), at unit length: no two that are nearly the same are chosen.
    allowed
        Which may be chosen, (n,).
    """
    order = np.argsort(np.abs(fits - level), kind="stable")
    chosen: list[int] = []
    for place in order[allowed[order]][: 20 * count].tolist():
        if len(chosen) == count:
            break
        if not chosen or (vectors[chosen] @ vectors[place]).max() < ALIKE:
            chosen.append(place)
    return np.array(chosen, np.intp)
