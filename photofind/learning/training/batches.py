"""Batches in which every class weighs the same, however many photos it has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["balanced_batches"]

_LEAST_OF_A_CLASS = 4


def balanced_batches(
    classes: npt.NDArray[np.int64], size: int, random: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield batches without end: as many photos of each class, as far as it has so many.

    Parameters
    ----------
    classes
        The class of each photo, (N,).
    size
        Photos in a batch, at most. All classes are in each batch, or as many as can have four
        photos in it.
    random
        Chooses.

    Yields
    ------
    int64, (n,)
        Positions in ``classes``; no photo is twice in a batch.
    """
    order = np.argsort(classes, kind="stable")
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    members = np.split(order, starts[1:])
    each = max(_LEAST_OF_A_CLASS, size // len(members))
    at_once = max(min(len(members), size // each), 1)
    while True:
        chosen = random.choice(len(members), at_once, replace=False)
        yield np.concatenate(
            [
                random.choice(members[one], min(each, len(members[one])), replace=False)
                for one in chosen
            ]
        )
