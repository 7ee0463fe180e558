"""The card of a model that was trained here: what it was made of, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from photofind.extractors.model_copies import CARD
from photofind.extractors.models import list_models
from photofind.learning.training.gate import Comparison
from photofind.model.codec import revive
from photofind.paths import Home

__all__ = ["TrainingCard", "read_card", "read_cards", "refusals"]


@dataclass(frozen=True)
class TrainingCard:
    """What is to be known of a trained model.

    Parameters
    ----------
    name
        The extractor's name.
    method, settings
        The method, and all settings, the seed among them.
    base
        What it was trained on or from: ``"mobilenet@1"``.
    source
        Where the labelled photos come from.
    classes
        How many photos each class has; of more than 100 classes the largest.
    photos, held_out, share
        Photos in all, how many of them were held out, and which share of each class was asked for.
    folds
        How many times other classes were held out; 0 where there are too few.
    passed
        Whether it passed both sides of the gate, held-out photos and held-out classes.
    remarks
        Why it did not, and over-fitting, a line each.
    notes
        What was left out of the photos, and what makes the outcome doubtful.
    held_out_photos, held_out_classes, training
        mAP before and after: on held-out photos of the classes that it was trained on, on classes
        that it was not trained on (by models that were trained for that alone), and on the photos
        that it was trained on.
    losses
        After each epoch.
    versions
        Of photofind, Keras and others.
    trained
        When, ISO 8601, UTC.
    seconds
        How long it took, the tests included.
    """

    name: str
    method: str
    base: str
    source: str
    photos: int
    held_out: int
    share: float
    folds: int
    passed: bool
    held_out_photos: Comparison
    training: Comparison
    held_out_classes: Comparison | None = None
    classes: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trained: str = ""
    seconds: float = 0.0

    def to_json(self) -> bytes:
        """Return it as it is written beside the weights."""
        return json.dumps(asdict(self), indent=2).encode()


def read_card(home: Home, name: str) -> TrainingCard | None:
    """Return the card of an extractor; None if it was not trained here."""
    return read_cards(home).get(name)


def read_cards(home: Home) -> dict[str, TrainingCard]:
    """Return the cards of all models that were trained here, by name."""
    cards = {}
    for model in list_models(home):
        try:
            plain = json.loads(Path(model.path).with_name(CARD).read_bytes())
            cards[model.name] = revive(TrainingCard, plain)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            continue  # It was added from a file, or somebody wrote into it.
    return cards


def refusals(home: Home, names: list[str]) -> tuple[str, ...]:
    """Return why extractors had better not answer by themselves; nothing where one of them may.

    Parameters
    ----------
    home
        With the models.
    names
        The extractors that are to answer together: beside one that passed, or was not trained here,
        the others only add.
    """
    cards = read_cards(home)
    if not all(name in cards and not cards[name].passed for name in names):
        return ()
    return tuple(f"{name}: {remark}" for name in names for remark in cards[name].remarks)
