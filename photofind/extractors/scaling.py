"""Whether pixels are scaled as a network expects, judged on photographs.

A network with batch normalisation sees next to nothing in pixels that are scaled twice, and too
much in pixels that are not scaled at all: different photographs become alike. Measured on
MobileNetV2 and EfficientNet-Lite0, trained on ImageNet: the mean cosine between eight different
photographs is 0.24 and 0.15 as they were trained, 0.67 and 0.45 without scaling, and 0.72 to 0.999
with a second one. Scalings to similar ranges (-1 to 1, 0 to 1, by ImageNet's mean) differ by less
than 0.05.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from photofind.extractors.models import PREPROCESSINGS

__all__ = ["scaling_advice"]

_WORSE = 0.2


def scaling_advice(embed: Callable[[str], npt.NDArray[np.float32]], given: str) -> str:
    """Return what seems wrong with the scaling of pixels, in one line; empty if nothing does.

    Parameters
    ----------
    embed
        Takes one of :data:`~photofind.extractors.models.PREPROCESSINGS`, and returns the embeddings
        of different photographs, float32 (N, D), with it.
    given
        The one that is to be used.
    """
    alike = {preprocess: _mean_cosine(embed(preprocess)) for preprocess in PREPROCESSINGS}
    # These two differ in scale alone. A centred scaling may help a network that is not sensitive.
    twice = alike["unit"] - alike["none"] > _WORSE and alike[given] - alike["none"] > _WORSE
    never = given == "none" and alike["none"] - alike["unit"] > _WORSE
    if twice:
        best = "none"
        reason = "the model seems to scale pixels itself, so that they are scaled twice"
    elif never:
        best = min(alike, key=lambda preprocess: alike[preprocess])
        reason = "the model seems to expect scaled pixels, and they are not scaled"
    else:
        return ""
    return (
        f"{reason}: different photographs have a mean cosine of {alike[given]:.2f}, and "
        f"{alike[best]:.2f} with --preprocess {best}"
    )


def _mean_cosine(vectors: npt.NDArray[np.float32]) -> float:
    """Return the mean cosine between different vectors; 1 if it cannot be computed."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(wide).all() or not lengths.all():
        return 1.0
    cosines = (wide / lengths) @ (wide / lengths).T
    return float(cosines[~np.eye(len(cosines), dtype=bool)].mean())
