"""Losses that draw photos of one class together; imports Keras.

All but the logits' take labels (N,) and embeddings (N, d) of length 1 of one batch, and return a
scalar.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = [
    "Proxies",
    "contrastive_loss",
    "hard_triplet_loss",
    "proxy_nca_loss",
    "triplet_loss",
]

TRIPLET_MARGIN = 0.2
"""By how much another class is to be farther, in squared distance (FaceNet's)."""

CONTRASTIVE_MARGIN = 1.0
"""How far, at least, photos of two classes are to be from each other."""

_SCALE = 9.0  # Of squared distances: embeddings and proxies of length 3, as in the paper.
_FAR = 1e9


def triplet_loss(labels: Any, embeddings: Any) -> Any:
    """Return the triplet loss over all pairs of one class, each with a semi-hard negative [1]_.

    That is the nearest photo of another class that is farther than the positive; if none is, the
    farthest.

    References
    ----------
    .. [1] F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face
       Recognition and Clustering", CVPR 2015, https://arxiv.org/abs/1503.03832
    """
    distances, positive, negative = _pairs(labels, embeddings)
    farther = ops.logical_and(
        ops.expand_dims(negative, 1), ops.expand_dims(distances, 1) > ops.expand_dims(distances, 2)
    )
    semi_hard = ops.min(ops.where(farther, ops.expand_dims(distances, 1), _FAR), axis=2)
    farthest = ops.max(ops.where(negative, distances, -1.0), axis=1, keepdims=True)
    chosen = ops.where(semi_hard < _FAR, semi_hard, farthest)
    # Where a batch has one class only, there is nothing to learn.
    usable = ops.logical_and(positive, farthest >= 0)
    return _mean_of_active(distances - chosen + TRIPLET_MARGIN, usable)


def hard_triplet_loss(labels: Any, embeddings: Any) -> Any:
    """Return the triplet loss of each photo with its farthest positive and nearest negative [1]_.

    References
    ----------
    .. [1] A. Hermans, L. Beyer, B. Leibe, "In Defense of the Triplet Loss for Person
       Re-Identification", 2017, https://arxiv.org/abs/1703.07737
    """
    distances, positive, negative = _pairs(labels, embeddings)
    farthest = ops.max(ops.where(positive, distances, -1.0), axis=1)
    nearest = ops.min(ops.where(negative, distances, _FAR), axis=1)
    usable = ops.logical_and(farthest >= 0, nearest < _FAR)
    return _mean_of_active(farthest - nearest + TRIPLET_MARGIN, usable)


def contrastive_loss(labels: Any, embeddings: Any) -> Any:
    """Return the contrastive loss [1]_ over all pairs of a batch, both kinds weighing the same.

    References
    ----------
    .. [1] R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant
       Mapping", CVPR 2006
    """
    squared, positive, negative = _pairs(labels, embeddings)
    too_near = CONTRASTIVE_MARGIN - ops.sqrt(squared + 1e-9)
    return _mean(squared, positive) + _mean(ops.square(ops.relu(too_near)), negative)


def proxy_nca_loss(labels: Any, logits: Any) -> Any:
    """Return the mean Proxy-NCA loss [1]_ over a batch.

    The proxy of its own class is not among those that a photo is drawn from, unlike in a
    cross-entropy, so it goes on to draw when classes are told apart: they become dense.

    Parameters
    ----------
    labels
        The class of each photo, (N,).
    logits
        What :class:`Proxies` returns, (N, classes).

    References
    ----------
    .. [1] Y. Movshovitz-Attias, A. Toshev, T. Leung, S. Ioffe, S. Singh, "No Fuss Distance Metric
       Learning using Proxies", ICCV 2017, https://arxiv.org/abs/1703.07464
    """
    own = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), ops.shape(logits)[1])
    others = ops.logsumexp(logits - _FAR * own, axis=1)
    return ops.mean(others - ops.sum(own * logits, axis=1))


class Proxies(keras.layers.Layer):  # type: ignore[misc]
    """A learned point for each class, and how near embeddings are to each.

    Parameters
    ----------
    start
        Where the proxies start, float32 (classes, d).
    """

    def __init__(self, start: Any) -> None:
        super().__init__(name="proxies")
        self.proxies = self.add_weight(shape=start.shape, name="proxies")
        self.proxies.assign(start / np.maximum(np.linalg.norm(start, axis=1, keepdims=True), 1e-9))

    def call(self, embeddings: Any) -> Any:
        """Return minus the squared distances, scaled, (N, classes)."""
        proxies = ops.normalize(self.proxies, axis=1)
        # Both are of length 1.
        return _SCALE * (2.0 * ops.matmul(embeddings, ops.transpose(proxies)) - 2.0)


def _pairs(labels: Any, embeddings: Any) -> tuple[Any, Any, Any]:
    """Return squared distances, and which pairs are of one class and which of two, all (N, N)."""
    labels = ops.reshape(labels, (-1,))
    distances = ops.maximum(2.0 - 2.0 * ops.matmul(embeddings, ops.transpose(embeddings)), 0.0)
    same = ops.expand_dims(labels, 0) == ops.expand_dims(labels, 1)
    others = ops.logical_not(ops.cast(ops.eye(ops.shape(labels)[0]), "bool"))
    return distances, ops.logical_and(same, others), ops.logical_not(same)


def _mean(values: Any, chosen: Any) -> Any:
    weights = ops.cast(chosen, values.dtype)
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)


def _mean_of_active(violations: Any, usable: Any) -> Any:
    """Return the mean of those that are above 0: the others have been learned."""
    return _mean(ops.relu(violations), ops.logical_and(usable, violations > 0))
