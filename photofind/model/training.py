"""What is trained, and what is to be known of what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LabelSource", "MeanPrecision", "Mining", "TrainedExtractor", "TrainingMethod"]

TrainingMethod = Literal["proxy", "triplet", "siamese", "classifier", "autoencoder"]
Mining = Literal["semi-hard", "hard"]
"""Which negatives triplets are made with."""

LabelSource = Literal["labels", "tags", "feedback"]
"""Where labels come from: folders or a CSV, keywords in photos, judgements."""


@dataclass(frozen=True)
class MeanPrecision:
    """The mean average precision (mAP) of embeddings of the same photos, 0 to 1.

    Parameters
    ----------
    before
        Of the extractor that was started from.
    pca
        Of its principal components, as many as the trained one has dimensions.
    after
        Of the trained one.
    """

    before: float
    pca: float
    after: float


@dataclass(frozen=True)
class TrainedExtractor:
    """An extractor that was trained; it is not in use yet.

    Parameters
    ----------
    name
        Its name.
    base
        The extractor that it was started from, with its version.
    method
        The method.
    dimensions
        The length of its embeddings.
    source
        Where the labels come from.
    photos
        How many there were.
    passed
        Whether it is at least as good as before on photos and on classes that were held out.
    held_out_photos, held_out_classes
        What it is worth on these; None where there are too few classes.
    training
        What it is worth on the photos that it was trained on.
    remarks
        Why it did not pass, and over-fitting, a line each.
    notes
        What was left out of the photos, and what makes the outcome doubtful.
    seconds
        How long it took, the tests included.
    """

    name: str
    base: str
    method: TrainingMethod
    dimensions: int
    source: str
    photos: int
    passed: bool
    held_out_photos: MeanPrecision
    held_out_classes: MeanPrecision | None
    training: MeanPrecision
    remarks: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
