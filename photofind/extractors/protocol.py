"""What an extractor plugin is.

A distribution offers one by an entry point in the group ``photofind.extractors``, whose name is
the extractor's name and whose object makes an :class:`Extractor` when called without arguments::

    [project.entry-points."photofind.extractors"]
    mobilenet = "photofind.extractors.mobilenet:MobileNet"

It lives in a process of its own, with what it imports; what it prints goes to that process's log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["GROUP", "PROTOCOL", "Extractor", "Threaded"]

GROUP = "photofind.extractors"
"""The entry-point group."""

PROTOCOL = 1
"""The version of this protocol; extractors of another one are not used."""


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
        The :data:`PROTOCOL` that it was written for.
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
            RGB, upright; N is at least 1 and differs from call to call.

        Returns
        -------
        float32, (N, dimension)
            Finite. Only directions matter: photofind scales each to unit length.

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
