"""An extractor that was loaded, with every result checked.

A defect becomes an :class:`~photofind.errors.ExtractorError` that names the plugin, never a bad
vector in the library.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from photofind.errors import ExtractorError, PhotofindError
from photofind.extractors import contract
from photofind.extractors.code_files import code_of, stamp
from photofind.extractors.protocol import ABILITIES, PROTOCOL, PROTOCOLS, Extractor, Threaded

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.registry import Plugin

    Pixels: TypeAlias = npt.NDArray[np.uint8]
    Sizes: TypeAlias = Sequence[tuple[int, int]] | npt.NDArray[np.int64]

__all__ = ["LoadedExtractor", "identity", "make_extractor"]

BATCH_SIZE = 16
"""How many pictures an extractor is given at a time that has no wish of its own."""

_logger = logging.getLogger(__name__)


def identity(name: str, version: str, build: str) -> str:
    """Return what names one build of one version of an extractor."""
    return f"{name}@{version} ({build})"


def make_extractor(plugin: Plugin, make: Callable[[], Any]) -> LoadedExtractor:
    """Create an extractor with ``make`` and check its attributes.

    Raises
    ------
    ExtractorError
        If it cannot be created or violates the protocol.
    """
    with _blaming(plugin, "cannot be loaded"):
        extractor = make()
        declared = contract.declared(extractor)
    if declared["protocol"] not in PROTOCOLS:
        raise ExtractorError(
            f"{plugin} needs protocol {declared['protocol']!r}, "
            f"but this photofind has protocol {PROTOCOL}",
            f"install another version of {plugin.distribution}, or of photofind",
        )
    if fault := contract.fault(declared, plugin):
        raise ExtractorError(f"{plugin} breaks its contract: {fault}")
    return LoadedExtractor(plugin, extractor, declared)


class LoadedExtractor:
    """An extractor whose results are checked at every call.

    Attributes
    ----------
    plugin : Plugin
        The plugin that provides it.
    name, version, input_size, dimension
        As in :class:`~photofind.extractors.protocol.Extractor`.
    preview_size : tuple of int
        As in :class:`~photofind.extractors.protocol.Previewing`; by default ``input_size``.
    derives_from : tuple of str
        As in :class:`~photofind.extractors.protocol.DerivedExtractor`; empty for one that embeds
        pictures. Those that have it have no ``input_size``, which is (0, 0).
    abilities : tuple of str
        Those of :data:`~photofind.extractors.protocol.ABILITIES` that it has.
    device : str or None
        What it runs on, if known.
    batch_size : int
        How many pictures it is given at a time, at most.
    keeps_aspect : bool
        Whether its pictures are not squashed; see
        :class:`~photofind.extractors.protocol.KeepingAspect`.
    idle_seconds : float
        The least idle time after which its worker ends; 0 if it does not matter.
    code : tuple of str
        The files or folders of its code.
    build : str
        The version of its package, and what differs once one of its files is written.
    identity : str
        Its name, version and build: what it makes may differ where this does.
    """

    def __init__(self, plugin: Plugin, extractor: Extractor, declared: dict[str, Any]) -> None:
        self.plugin = plugin
        self.name = plugin.name
        self.version: str = declared["version"]
        self.derives_from = contract.base_names(declared["derives_from"])
        size = (0, 0) if self.derives_from else declared["input_size"]
        self.input_size: tuple[int, int] = tuple(size)
        self.preview_size: tuple[int, int] = tuple(declared["preview_size"] or size)
        self.dimension: int = declared["dimension"]
        self.abilities = tuple(name for name in ABILITIES if callable(declared[name]))
        self.device: str | None = declared["device"]
        self.batch_size: int = declared["batch_size"] or BATCH_SIZE
        self._most: int | None = declared["batch_size"]
        self.keeps_aspect = declared["aspect"] == "native"
        self.idle_seconds = float(declared["idle_seconds"] or 0)
        self._describes = callable(declared["describe"]) and "tags" in self.abilities
        code = code_of(extractor, plugin)
        self.code = tuple(map(str, code))
        self.build = f"{plugin.distribution} {plugin.distribution_version} {stamp(code)}"
        self.identity = identity(self.name, self.version, self.build)
        self._extractor: Any = extractor

    @property
    def engine(self) -> str | None:
        """What runs it, if known.

        It is read when it is asked for: an extractor may load its network to tell, and has to know
        its number of threads before.
        """
        with _blaming(self.plugin, "cannot tell its engine"):
            engine = getattr(self._extractor, "engine", None)
        return engine if isinstance(engine, str) else None

    def use_threads(self, threads: int) -> None:
        """Set the number of threads, if the extractor supports that."""
        if isinstance(self._extractor, Threaded):
            with _blaming(self.plugin, "cannot set its threads"):
                self._extractor.threads = threads

    def embed(self, images: Pixels, sizes: Sizes | None = None) -> npt.NDArray[np.float32]:
        """Return the embeddings of a batch of pictures.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            RGB, upright, squashed to one size.
        sizes
            Height and width of each before it was squashed; the same as it has by default.

        Returns
        -------
        float32, (N, dimension)
            Of length 1, or 0 if the extractor returns a zero vector.

        Raises
        ------
        ExtractorError
            If the extractor fails, or returns another shape or type, or non-finite values.
        """
        import numpy as np

        return np.concatenate(
            [
                self._unit_vectors(vectors, count)
                for vectors, count in self._results("embed", images, sizes)
            ]
        )

    def describe(
        self, images: Pixels, sizes: Sizes | None = None
    ) -> tuple[npt.NDArray[np.float32], list[list[tuple[str, float]]] | None]:
        """Return the embeddings of a batch of pictures, and their tags if it has tags.

        Raises
        ------
        ExtractorError
            As :meth:`embed` and :meth:`tags`.
        """
        import numpy as np

        if not self._describes:
            vectors = self.embed(images, sizes)
            return vectors, self.tags(images, sizes) if "tags" in self.abilities else None
        embeddings, all_tags = [], []
        for result, count in self._results("describe", images, sizes):
            with _blaming(self.plugin, "failed"):
                vectors, tags = result
            embeddings.append(self._unit_vectors(vectors, count))
            all_tags += self._checked_tags(tags, count)
        return np.concatenate(embeddings), all_tags

    def embed_embeddings(self, *embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the embeddings of a batch of embeddings of its bases, as :meth:`embed` does.

        Parameters
        ----------
        *embeddings : float32, (N, D), an array for each of ``derives_from``

        Raises
        ------
        ExtractorError
            As :meth:`embed`.
        """
        with _blaming(self.plugin, "failed"):
            vectors = self._extractor.embed_embeddings(*embeddings)
        return self._unit_vectors(vectors, len(embeddings[0]))

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the embeddings of texts, float32 (N, dimension); needs that ability.

        Raises
        ------
        ExtractorError
            As :meth:`embed`.
        """
        with _blaming(self.plugin, "failed"):
            vectors = self._extractor.embed_text(texts)
        return self._unit_vectors(vectors, len(texts))

    def tags(self, images: Pixels, sizes: Sizes | None = None) -> list[list[tuple[str, float]]]:
        """Return tags for each picture with their confidences; needs that ability.

        Raises
        ------
        ExtractorError
            If the extractor fails, or returns anything else.
        """
        return [
            tags
            for result, count in self._results("tags", images, sizes)
            for tags in self._checked_tags(result, count)
        ]

    def feature_map(self, images: Pixels, sizes: Sizes | None = None) -> npt.NDArray[np.float32]:
        """Return the feature maps of pictures, float32 (N, h, w, C); needs that ability.

        Raises
        ------
        ExtractorError
            If the extractor fails, or returns another shape or type, or non-finite values.
        """
        import numpy as np

        every = []
        for maps, count in self._results("feature_map", images, sizes):
            shape = (count, *getattr(maps, "shape", ())[1:])
            fault = contract.fault_of_array(maps, shape, "a feature map")
            if fault is None and maps.ndim != 4:
                fault = f"it returned a feature map of shape {maps.shape}"
            if fault:
                raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
            every.append(maps)
        return every[0] if len(every) == 1 else np.concatenate(every)

    def _results(
        self, method: str, images: Pixels, sizes: Sizes | None
    ) -> Iterator[tuple[Any, int]]:
        """Yield what a method returns for each part of the pictures, and how many these are.

        A part has no more pictures than the extractor wants.
        """
        import numpy as np

        sides = images.shape[1:3]
        whole = np.full((len(images), 2), sides) if sizes is None else np.asarray(sizes)
        if self.keeps_aspect:
            from photofind.images.views import letterboxed

            fitted = [letterboxed(*one) for one in zip(images, whole.tolist(), strict=True)]
            images = np.stack(fitted)
        most = self._most or max(len(images), 1)
        for start in range(0, len(images), most):
            part = slice(start, start + most)
            more = (whole[part],) if self.keeps_aspect else ()
            with _blaming(self.plugin, "failed"):
                result = getattr(self._extractor, method)(images[part], *more)
            yield result, len(images[part])

    def _checked_tags(self, given: Any, count: int) -> list[list[tuple[str, float]]]:
        with _blaming(self.plugin, "failed"):
            tags = [
                [(word, float(confidence)) for word, confidence in picture] for picture in given
            ]
        if fault := contract.fault_of_tags(tags, count):
            raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
        return tags

    def _unit_vectors(self, vectors: Any, count: int) -> npt.NDArray[np.float32]:
        import numpy as np

        if fault := contract.fault_of_array(vectors, (count, self.dimension), "vectors"):
            raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
        # In float64, since squares of large values may overflow float32.
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        unit: npt.NDArray[np.float32] = vectors / np.where(lengths == 0, 1, lengths)
        return unit.astype(np.float32)


@contextmanager
def _blaming(plugin: Plugin, what: str) -> Iterator[None]:
    """Turn any exception of a plugin into an error that names it; the traceback is logged."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except PhotofindError as error:  # Worded for the user already.
        if details := getattr(error, "details", ""):
            _logger.error("%s %s\n%s", plugin, what, details)
        raise ExtractorError(f"{plugin} {what}: {error.message}", error.hint, details) from error
    except BaseException as error:  # A plugin may call sys.exit.
        _logger.error("%s %s", plugin, what, exc_info=error)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        details = "".join(traceback.format_exception(error))
        raise ExtractorError(f"{plugin} {what}: {reason}", details=details) from error
