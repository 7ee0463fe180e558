"""The extractor plugin protocol; docs/develop/add-an-extractor.md is the guide for authors.

A distribution provides an extractor by an entry point in the group ``photofind.extractors``, whose
name is the extractor's name and whose object returns an :class:`Extractor` when called::

    [project.entry-points."photofind.extractors"]
    mobilenet = "photofind.extractors.mobilenet:MobileNet"

It runs in a process of its own; what it prints goes to that process's log.

The object may return a :class:`DerivedExtractor` as well, which embeds no pictures but the
embeddings of another extractor.

Extractors may have optional abilities: :class:`Tagging`, :class:`Describing`, :class:`ReadingText`,
:class:`Mapping`, :class:`Previewing`, :class:`Threaded`, :class:`Batching`, :class:`Placed`,
:class:`KeepingAspect`. An extractor has an ability if it has its method or attribute; nothing is
declared.
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
    "PROTOCOLS",
    "Batching",
    "DerivedExtractor",
    "Describing",
    "Extractor",
    "KeepingAspect",
    "Mapping",
    "Placed",
    "Previewing",
    "ReadingText",
    "Tagging",
    "Threaded",
]

GROUP = "photofind.extractors"
"""The entry-point group."""

PROTOCOL = 2
"""The version of this protocol."""

PROTOCOLS = (1, 2)
"""The versions that extractors may be written for; those for another version are not used.

An extractor for version 1 works as it did. Version 2 adds abilities; an extractor that relies on
one of them says 2, so that an older photofind does not use it.
"""

ABILITIES = ("tags", "embed_text", "feature_map")
"""The optional methods of an extractor."""


class Extractor(Protocol):
    """Turns pictures into embeddings, which are near for pictures of similar things.

    Attributes
    ----------
    name : str
        The name of its entry point.
    version : str
        Must change whenever the same picture would get another embedding: embeddings of different
        versions are never compared.
    protocol : int
        Which of :data:`PROTOCOLS` it was written for, as a literal: ``1`` or ``2``.
    input_size : tuple of int
        Height and width of its input, in pixels. Photos are resized to it regardless of their
        aspect ratio.
    dimension : int
        The length of its embeddings.
    """

    name: str
    version: str
    protocol: int
    input_size: tuple[int, int]
    dimension: int

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the embeddings of a batch of pictures.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            RGB, upright; N is at least 1 and differs between calls. Must not be modified.

        Returns
        -------
        float32, (N, dimension)
            Finite, and not reused by later calls. Only directions matter: photofind scales each
            to unit length. An embedding depends on its picture alone, not on the batch.

        Notes
        -----
        Always called by the same thread. An exception means a defect of the extractor and ends the
        run, so no picture may cause one.
        """
        ...


class DerivedExtractor(Protocol):
    """Turns stored embeddings of other extractors, its *bases*, into other embeddings.

    photofind reads no photo for it: what its bases have embedded is taken over in the background,
    in large batches, and what they embed later follows at once. A photo from outside the library is
    embedded by the bases first. An extractor is a derived one if it has ``derives_from``.

    Attributes
    ----------
    name, version, protocol, dimension
        As for :class:`Extractor`. photofind adds the versions of the bases to its version: a new
        version of a base makes a new space.
    derives_from : str or tuple of str
        The names of its bases, which are no derived extractors themselves. ``"mobilenet@1"`` means
        that version alone, for a head that was trained on it.
    """

    name: str
    version: str
    protocol: int
    dimension: int
    derives_from: str | tuple[str, ...]

    def embed_embeddings(self, *embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the embeddings of a batch of photos.

        Parameters
        ----------
        *embeddings : float32, (N, D), an array for each base, in the order of ``derives_from``
            Of length 1, and the base's own dimension D; stored with 16 bits a number. N is at least
            1, differs between calls, and can be thousands. Must not be modified.

        Returns
        -------
        float32, (N, dimension)
            As for :meth:`Extractor.embed`. An embedding depends on its photo alone, not on the
            batch.

        Notes
        -----
        Always called by the same thread. An exception means a defect of the extractor.
        """
        ...


@runtime_checkable
class Threaded(Protocol):
    """An extractor whose number of threads can be set; others decide themselves.

    Attributes
    ----------
    threads : int
        Set once, before the first call of ``embed``.
    """

    threads: int


@runtime_checkable
class Previewing(Protocol):
    """An extractor that also embeds smaller pictures, faster, into the same embedding space.

    The thumbnails inside photos are embedded at this size. Their embeddings are later replaced by
    those of the whole photos.

    Attributes
    ----------
    preview_size : tuple of int
        Height and width of such pictures, in pixels; ``embed`` and other abilities must take them.
    """

    preview_size: tuple[int, int]


@runtime_checkable
class Tagging(Protocol):
    """An extractor that names tags for what a picture shows."""

    def tags(self, images: npt.NDArray[np.uint8]) -> list[list[tuple[str, float]]]:
        """Return tags for each picture, with confidences.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            As for ``embed``, which is often called with the same pictures just before.

        Returns
        -------
        list, of N lists of (word, confidence)
            Confidences between 0 and 1, highest first; empty if it recognises nothing.
        """
        ...


@runtime_checkable
class Describing(Protocol):
    """An extractor with tags whose network makes embeddings and tags in one run."""

    def describe(
        self, images: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], list[list[tuple[str, float]]]]:
        """Return what ``embed`` and ``tags`` would return for a batch of pictures.

        It is called in their place where both are wanted; an extractor without ``tags`` is not
        asked.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            As for ``embed``.

        Returns
        -------
        embeddings : float32, (N, dimension)
        tags : list, of N lists of (word, confidence)
        """
        ...


@runtime_checkable
class Batching(Protocol):
    """An extractor with a wish for the size of batches.

    Attributes
    ----------
    batch_size : int
        How many pictures ``embed`` is given at a time at most, 1 to 1024; 16 by default. Batches
        may always be smaller.
    """

    batch_size: int


class KeepingAspect(Protocol):
    """An extractor whose pictures keep their proportions.

    A picture is as large as fits into ``input_size`` and lies in the upper left of it; below or to
    the right of it is black. Every method that takes ``images`` is given a second argument, the
    sizes of the whole photos: int64 (N, 2), height and width in pixels, upright. So a picture
    ``h, w`` takes ``min(height / h, width / w)`` times as many rows and columns, at least one.

    Attributes
    ----------
    aspect : str
        ``"native"``.
    """

    aspect: str

    def embed(
        self, images: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the embeddings of a batch of pictures, as :meth:`Extractor.embed` does."""
        ...


@runtime_checkable
class Placed(Protocol):
    """An extractor that tells where it runs. Each attribute may be there without the other.

    Attributes
    ----------
    device : str
        A short word that is shown to people, such as ``"gpu"`` or ``"cpu"``.
    idle_seconds : float
        Its worker ends when it had nothing to do for the time in the settings, which frees its
        memory, or for this time if it is longer: where loading takes long, as on a GPU. A day at
        most.
    """

    device: str
    idle_seconds: float


@runtime_checkable
class ReadingText(Protocol):
    """An extractor that embeds texts into the same space as pictures."""

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the embeddings of texts.

        Parameters
        ----------
        texts
            N of them, at least 1.

        Returns
        -------
        float32, (N, dimension)
            Near the embeddings of pictures that fit the text. Finite; only directions matter.
        """
        ...


@runtime_checkable
class Mapping(Protocol):
    """An extractor with spatial feature maps, by which a match can be explained."""

    def feature_map(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the feature maps of pictures.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            As for ``embed``.

        Returns
        -------
        float32, (N, h, w, C)
            A vector for each of h times w equal parts, from the upper left to the lower right.
            Finite. The higher the cosine of two vectors, the more similar the parts. Where the
            embedding is the mean over it, photofind can say exactly what each part adds to a
            similarity.
        """
        ...
