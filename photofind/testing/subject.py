"""An extractor under test, and what its checks share."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.loaded import LoadedExtractor, make_extractor
from photofind.extractors.registry import Plugin, load
from photofind.extractors.samples import photographs
from photofind.testing.observing import children
from photofind.testing.with_bases import WithBases, with_bases

__all__ = [
    "SAME_DIRECTION",
    "TOLERANCE",
    "Check",
    "CheckFailedError",
    "Subject",
    "Vectors",
    "able",
    "about",
    "embed_raw",
    "raw",
    "require",
    "require_close",
]

Vectors: TypeAlias = npt.NDArray[np.float32]

# For vectors of length 1. The order of summation depends on the batch and the number of threads.
TOLERANCE = 2e-3
SAME_DIRECTION = 0.99999


class CheckFailedError(AssertionError):
    """An extractor does not conform to the protocol; the message says how."""


class Subject:
    """An extractor under test.

    Parameters
    ----------
    extractor
        The name of an installed extractor, or a factory. The extractor of a factory cannot be
        tried in a worker.
    """

    def __init__(self, extractor: str | Callable[[], Any]) -> None:
        self._extractor = extractor
        self.children_before = children()  # Before the plugin is imported.

    @property
    def name(self) -> str | None:
        """The name of the installed extractor; None for a factory."""
        return self._extractor if isinstance(self._extractor, str) else None

    def make(self) -> LoadedExtractor:
        """Return a new instance, checked at every call; a derived one with its bases before it."""
        if isinstance(self._extractor, str):
            return with_bases(load(self._extractor))
        made = self._extractor()
        name = str(getattr(made, "name", "unnamed"))
        plugin = Plugin(name, "", "the one under test", "")
        return with_bases(make_extractor(plugin, lambda: made))

    @cached_property
    def instance(self) -> LoadedExtractor:
        """An instance shared by the checks."""
        return self.make()

    @property
    def pictures(self) -> npt.NDArray[np.uint8]:
        """Photographs, uint8 (8, height, width, 3); a new array each time."""
        return self._photographs.copy()

    @cached_property
    def vectors(self) -> Vectors:
        """Their embeddings, float32 (8, dimension), of length 1."""
        return self.instance.embed(self.pictures)

    @cached_property
    def _photographs(self) -> npt.NDArray[np.uint8]:
        return photographs(self.instance.input_size)


Check: TypeAlias = Callable[[Subject], None]


def raw(extractor: LoadedExtractor) -> Any:
    """Return the extractor as the plugin made it."""
    return extractor._extractor


def embed_raw(extractor: LoadedExtractor, pictures: npt.NDArray[np.uint8]) -> Any:
    """Return its embeddings of pictures as the plugin gives them."""
    if isinstance(extractor, WithBases):
        return raw(extractor).embed_embeddings(*extractor.by_base(pictures))
    sizes = np.full((len(pictures), 2), extractor.input_size)
    more = (sizes,) if extractor.keeps_aspect else ()
    return raw(extractor).embed(pictures, *more)


def able(subject: Subject, ability: str) -> LoadedExtractor:
    """Return its extractor; raise ``unittest.SkipTest`` if it does not have an ability."""
    if ability not in subject.instance.abilities:
        raise unittest.SkipTest(f"it has no {ability}")
    return subject.instance


def require(condition: bool | np.bool, message: str) -> None:
    """Raise `CheckFailedError` with a message unless a condition is true."""
    if not condition:
        raise CheckFailedError(message)


def require_close(vectors: Vectors, expected: Vectors, when: str) -> None:
    """Raise `CheckFailedError` unless vectors are as expected, but for rounding."""
    difference = float(np.abs(vectors - expected).max())
    require(
        difference <= TOLERANCE, f"another vector {when}: the difference is up to {difference:.4f}"
    )


@contextmanager
def about(what: str) -> Iterator[None]:
    """Add to an error of the extractor what the block was about."""
    try:
        yield
    except ExtractorError as error:
        raise ExtractorError(
            f"{error.message} ({what})", error.hint, error.details
        ) from error.__cause__
