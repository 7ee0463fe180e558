"""What unrelated photos look like to an extractor, measured for it where it was not before."""

from __future__ import annotations

import numpy as np

from photofind.images.views import CROPPED
from photofind.library.store import IndexInfo, Store
from photofind.model.extractor_choice import parse_extractors
from photofind.ranking.calibration import Background, measure_background, typical
from photofind.ranking.projection import normalised

__all__ = ["own_background", "varied_background"]

# Without an index so many photos show how alike photos look to an extractor.
_FEW = 64


def own_background(
    store: Store, space: str, index: IndexInfo | None = None
) -> tuple[Background | None, int]:
    """Return the background of the plain cosine of a space, and of how many photos it is.

    Where there is no index it is measured on a few of the embeddings; None where there are none to
    compare. The index of the space need not be looked for again where it is given.
    """
    index = index or store.index(space)
    if index is not None:
        return index.plain, index.pictures
    _, sample = store.sample(space, _FEW)
    if len(sample) < 2:
        return None, len(sample)
    sample = normalised(sample)
    pairs = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return measure_background(pairs), len(sample)


def varied_background(store: Store, space: str, index: IndexInfo | None = None) -> Background:
    """Return what the plain cosine of varied photos looks like to the extractor of a space.

    ``index`` is as for `own_background`.
    """
    own, photos = own_background(store, space, index)
    extractor, _, version = space.rpartition("@")
    if CROPPED in version:
        weights = parse_extractors(extractor)
        extractor = ",".join(f"{name}{CROPPED}={weight}" for name, weight in weights.items())
    return typical(extractor, own, photos)
