"""What an extractor plugin is; docs/develop/add-an-extractor.md is the guide for its authors.

A distribution offers one by an entry point in the group ``photofind.extractors``, whose name is
the extractor's name and whose object makes an :class:`Extractor` when called without arguments::

    [project.entry-points."photofind.extractors"]
    mobilenet = "photofind.extractors.mobilenet:MobileNet"

It lives in a process of its own, with what it imports; what it prints goes to that process's log.

Beyond what every extractor has to do there are abilities that one may have: :class:`Tagging`,
:class:`ReadingText`, :class:`Mapping`, :class:`Previewing`, :class:`Threaded`. An extractor has an
ability by having its method or attribute; nothing is declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "ABILITIES",
    "GROUP",
    "PROTOCOL",
    "Extractor",
    "Mapping",
    "Previewing",
    "ReadingText",
    "Tagging",
    "Threaded",
]

GROUP = "photofind.extractors"
"""The entry-point group."""

PROTOCOL = 1
"""The version of this protocol; extractors of another one are not used.

It grows when an extractor that was right would no longer be. A new ability does not change it.
"""

ABILITIES = ("tags", "embed_text", "feature_map")
"""The methods that an extractor may have beside ``embed``."""


class Extractor(Protocol):
    """Turns pictures into vectors, of which the nearer ones show more similar things.

    Attributes
    ----------
    name : str
        The name of its entry point.
    version : str
        To be changed whenever the same picture would get another vector: vectors of different
        versions are never compared.
    protocol : int
        The :data:`PROTOCOL` that it was written for, as a number of its own: ``1``.
    input_size : tuple of int
        Height and width of the pictures that it takes, in pixels. Photos are squashed to it.
    dimension : int
        The length of its vectors.
    """

    name: str
    version: str
    protocol: int
    input_size: tuple[int, int]
    dimension: int

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the vectors of a batch of pictures.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            RGB, upright; N is at least 1 and differs from call to call. Left as it is.

        Returns
        -------
        float32, (N, dimension)
            Finite, and the caller's to keep. Only directions matter: photofind scales each to
            unit length. A picture's vector depends on the picture alone, not on the batch.

        Notes
        -----
        Called by one thread at a time, always the same one. An exception here stands for a defect
        of the extractor and ends the run; no picture may cause it.
        """
        ...


@runtime_checkable
class Threaded(Protocol):
    """An extractor that can be told how many threads to use; without it, it decides itself.

    Attributes
    ----------
    threads : int
        Set once, before the first call of ``embed``.
    """

    threads: int


@runtime_checkable
class Previewing(Protocol):
    """An extractor that embeds smaller pictures too, faster, for vectors that can be compared.

    The thumbnails inside photos are shown to it in this size. Their vectors are replaced by those
    of the whole photos in time.

    Attributes
    ----------
    preview_size : tuple of int
        Height and width of such pictures, in pixels; what ``embed`` and other abilities take then.
    """

    preview_size: tuple[int, int]


@runtime_checkable
class Tagging(Protocol):
    """An extractor that knows words for what a picture shows."""

    def tags(self, images: npt.NDArray[np.uint8]) -> list[list[tuple[str, float]]]:
        """Return, for each picture, words and how sure they are.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            As for ``embed``, which is often called with the very same pictures just before.

        Returns
        -------
        list, of N lists of (word, confidence)
            Confidences between 0 and 1, the surest first; none where it recognises nothing.
        """
        ...


@runtime_checkable
class ReadingText(Protocol):
    """An extractor whose vectors of texts can be compared with its vectors of pictures."""

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts.

        Parameters
        ----------
        texts
            N of them, at least 1.

        Returns
        -------
        float32, (N, dimension)
            Near the vectors of the pictures that a text describes. Finite; only directions matter.
        """
        ...


@runtime_checkable
class Mapping(Protocol):
    """An extractor that can say what it sees where, so that a match can be explained."""

    def feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return what it sees in each part of each picture.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            As for ``embed``.

        Returns
        -------
        float32, (N, h, w, C)
            A vector for each of h times w equal parts, from the upper left to the lower right.
            Finite. The more alike two of them are in direction, the more alike the parts.
        """
        ...
