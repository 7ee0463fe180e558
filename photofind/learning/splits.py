"""Splits of labelled photos: held-out photos, held-out classes, folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Split", "folds", "held_out_classes", "held_out_photos"]

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Split:
    """Two parts of some photos, which share none.

    Parameters
    ----------
    gallery
        The places of the photos that are searched, or trained on; ascending.
    queries
        The places of those held out; ascending.
    """

    gallery: Places
    queries: Places


def held_out_photos(codes: Places, share: float, seed: int = 0) -> Split:
    """Hold out a share of the photos of each class (a stratified split).

    Parameters
    ----------
    codes
        The class of each photo, (n,).
    share
        Between 0 and 1. Of a class with two photos or more at least one is on either side; a
        single photo is in the gallery.
    seed
        The same seed gives the same split.
    """
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(codes), np.bool_)
    for code in np.unique(codes):
        places = np.flatnonzero(codes == code)
        if len(places) > 1:
            count = min(max(round(share * len(places)), 1), len(places) - 1)
            held_out[generator.permutation(places)[:count]] = True
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def held_out_classes(codes: Places, share: float, seed: int = 0) -> Split:
    """Hold out whole classes, a share of them and at least one: the split is class-disjoint.

    It shows what an embedding is worth on what it was not trained on (Musgrave et al., "A metric
    learning reality check", 2020).

    Raises
    ------
    ValueError
        There are fewer than two classes.
    """
    classes = np.unique(codes)
    if len(classes) < 2:
        raise ValueError("there are fewer than two classes")
    count = min(max(round(share * len(classes)), 1), len(classes) - 1)
    chosen = np.random.default_rng(seed).permutation(classes)[:count]
    held_out = np.isin(codes, chosen)
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))


def folds(codes: Places, count: int, seed: int = 0) -> Places:
    """Return the fold of each photo, (n,), 0 to ``count`` - 1, each class spread over all folds."""
    generator = np.random.default_rng(seed)
    fold = np.zeros(len(codes), np.intp)
    start = 0
    for code in np.unique(codes):
        places = generator.permutation(np.flatnonzero(codes == code))
        # Each class goes on where the one before ended, so that folds are of one size.
        fold[places] = (start + np.arange(len(places))) % count
        start += len(places)
    return fold
