"""What is learned from: embeddings of labelled photos, cleaned, with a line for what was left out.

Everything that cannot be learned from is said before time is spent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.learning.labels import Labelled
from photofind.learning.leaks import find_copies
from photofind.model.counted import counted

__all__ = ["TrainingData", "check_data", "check_labels", "cleaned"]

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

LEAST = 4
"""Photos that a class needs, so that some can be trained on and some held out."""

FEW = 10
UNEVEN = 10.0
"""How many times the photos of the smallest class the largest may have, without a warning."""

ALONE = "\0"
"""What the label of a photo begins with that is only known to be like no other."""


@dataclass(frozen=True, eq=False)
class TrainingData(Labelled):
    """Labelled photos with their embeddings.

    Parameters
    ----------
    source
        Where they come from.
    base
        What made the embeddings: ``"mobilenet@1"``.
    embeddings
        float32 (n, D), of length 1.
    labels, contents, fingerprints, paths
        Of each photo.
    notes
        What was left out, and what makes the outcome doubtful, a line each.
    """

    source: str
    base: str
    embeddings: Vectors
    labels: tuple[str, ...]
    contents: tuple[str, ...]
    fingerprints: tuple[str | None, ...]
    paths: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many photos each class has; those that stand alone are left out."""
        return dict(sorted(Counter(x for x in self.labels if not x.startswith(ALONE)).items()))

    def select(self, places: Sequence[int] | Places, *notes: str) -> TrainingData:
        """Return some of the photos, in the order of ``places``, with more notes."""
        return replace(
            self,
            embeddings=self.embeddings[places],
            labels=tuple(self.labels[place] for place in places),
            contents=tuple(self.contents[place] for place in places),
            fingerprints=tuple(self.fingerprints[place] for place in places),
            paths=tuple(self.paths[place] for place in places),
            notes=(*self.notes, *notes),
        )


def check_labels(source: str, labels: Sequence[str]) -> None:
    """Refuse labels from which nothing can be learned, or tested; no photo is looked at.

    Parameters
    ----------
    source
        Where they come from, for messages.
    labels
        One for each photo.

    Raises
    ------
    LearningError
        There are too few photos, or classes.
    """
    counts = Counter(label for label in labels if not label.startswith(ALONE))
    if sum(counts.values()) < FEW:
        raise LearningError(
            f"{source} has {counted(sum(counts.values()), 'photo')} with labels, which is too "
            "little to learn from",
            f"give {FEW} at least; some hundred make a good embedding",
        )
    if len(counts) == 1:
        (label,) = counts
        raise LearningError(
            f"all photos of {source} have the label {label!r}",
            "give photos of two classes at least: there is nothing to tell apart",
        )
    many = [label for label, count in counts.items() if count >= LEAST]
    if len(many) < 2:
        fewest = min(counts, key=lambda label: counts[label])
        raise LearningError(
            f"fewer than two classes of {source} have {LEAST} photos: "
            f"{fewest!r} has {counted(counts[fewest], 'photo')}",
            f"give {LEAST} of each at least, of which some are held out",
        )


def cleaned(data: TrainingData) -> TrainingData:
    """Return the data without pictures under two labels, copies, and classes of a single photo.

    A near copy on the other side of a split would make a model look better than it is.
    """
    by_picture: defaultdict[int, list[int]] = defaultdict(list)
    groups = find_copies(data.contents, data.fingerprints).groups
    for place, group in enumerate(groups.tolist()):
        by_picture[group].append(place)
    kept: list[int] = []
    contradicting: list[int] = []
    for places in by_picture.values():
        if len({data.labels[place] for place in places}) > 1:
            contradicting += places
        else:
            kept.append(places[0])
    notes = []
    if contradicting:
        first = contradicting[0]
        alike = by_picture[groups[first]]
        other = next(place for place in alike if data.labels[place] != data.labels[first])
        notes.append(
            f"{counted(len(contradicting), 'photo')} left out whose labels contradict each other: "
            f"the same picture is {_named(data, first)} and {_named(data, other)}"
        )
    if copies := len(data) - len(kept) - len(contradicting):
        which = "is a copy of another" if copies == 1 else "are copies of others"
        notes.append(f"{counted(copies, 'photo')} left out that {which}")
    rest = data.select(sorted(kept), *notes)
    counts = rest.counts
    if alone := sorted(label for label, count in counts.items() if count == 1):
        places = [place for place, label in enumerate(rest.labels) if counts.get(label) != 1]
        classes = counted(len(alone), "class", "classes")
        rest = rest.select(places, f"{classes} left out with a single photo: {_some(alone)}")
    return rest


def check_data(data: TrainingData) -> TrainingData:
    """Refuse data from which nothing can be learned, and warn of what makes it doubtful.

    Parameters
    ----------
    data
        Cleaned.

    Returns
    -------
    TrainingData
        With the warnings among its notes.

    Raises
    ------
    LearningError
        There is too little.
    """
    check_labels(data.source, data.labels)
    notes = []
    counts = data.counts
    small = [label for label, count in counts.items() if count < LEAST]
    if small:
        notes.append(
            f"{counted(len(small), 'class', 'classes')} with fewer than {LEAST} photos cannot be "
            f"tested, only trained on: {_some(small)}"
        )
    fewest, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[most] > UNEVEN * counts[fewest]:
        notes.append(
            f"the classes are uneven: {most!r} has {counted(counts[most], 'photo')} and {fewest!r} "
            f"{counts[fewest]:,}; each counts the same in training"
        )
    if len(data) < 5 * len(counts):
        notes.append(
            f"there is little to learn from: {counted(len(data), 'photo')} in "
            f"{counted(len(counts), 'class', 'classes')}"
        )
    return data.select(np.arange(len(data)), *notes)


def _named(data: TrainingData, place: int) -> str:
    return f"{data.labels[place]!r} ({data.paths[place]})"


def _some(labels: Sequence[str]) -> str:
    return ", ".join(map(repr, labels[:3])) + (", …" if len(labels) > 3 else "")
