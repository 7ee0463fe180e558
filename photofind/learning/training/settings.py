"""What a training is asked for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIMENSIONS", "METHODS", "MININGS", "TrainingSettings", "settings_for"]

METHODS = ("proxy", "triplet", "siamese", "classifier", "autoencoder")
"""The methods; the last does not look at labels."""

MININGS = ("semi-hard", "hard")
"""Which negatives triplets are made with."""

DIMENSIONS = 128


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    method
        One of :data:`METHODS`.
    dimensions
        The length of the new embeddings.
    mining
        One of :data:`MININGS`, for triplets.
    seed
        Makes splits, batches and starting weights the same again.
    epochs
        Passes over the photos; with fine-tuning at most so many.
    batch
        Photos in a batch.
    dropout
        The share of the numbers of an embedding that is left out at each step.
    learning_rate
        Of Adam.
    fine_tune_layers
        How many of the last blocks of the network are trained too; 0 for a head on embeddings.
    """

    method: str
    dimensions: int = DIMENSIONS
    mining: str = "semi-hard"
    seed: int = 0
    epochs: int = 50
    batch: int = 128
    dropout: float = 0.2
    learning_rate: float = 1e-3
    fine_tune_layers: int = 0


def settings_for(
    method: str,
    *,
    dimensions: int = DIMENSIONS,
    mining: str = "semi-hard",
    seed: int = 0,
    epochs: int | None = None,
    fine_tune_layers: int = 0,
) -> TrainingSettings:
    """Return settings; what is not given fits a head, or a network, whichever is trained."""
    tunes = fine_tune_layers > 0
    return TrainingSettings(
        method,
        dimensions,
        mining,
        seed,
        epochs or (12 if tunes else 50),
        learning_rate=1e-4 if tunes else 1e-3,
        fine_tune_layers=fine_tune_layers,
    )
