"""The extractors that are installed, and loading one without trusting it.

Listing imports no plugin. Loading one holds it to its contract, so that a defect is an
:class:`~photofind.errors.ExtractorError` that names the plugin, never an ill vector in the library.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from photofind.errors import ExtractorError
from photofind.extractors.protocol import GROUP, PROTOCOL, Extractor, Threaded
from photofind.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "LoadedExtractor",
    "Plugin",
    "extractors_in_use",
    "installed",
    "load",
    "parse_extractors",
]

_LARGEST_SIDE = 4096
_LARGEST_DIMENSION = 65536
# Names and versions are parts of names of folders.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``photofind.extractors``.

    Parameters
    ----------
    name
        The extractor's name.
    target
        What makes it, ``"package.module:factory"``.
    distribution, distribution_version
        Which installed package offers it.
    """

    name: str
    target: str
    distribution: str
    distribution_version: str

    def __str__(self) -> str:
        return f"the extractor {self.name!r} of {self.distribution} {self.distribution_version}"


def parse_extractors(text: str) -> dict[str, float]:
    """Return the weights, by extractor, of what was typed: "a", "a,b" or "a=2,b=1".

    Raises
    ------
    ExtractorError
        Where it is none of these.
    """
    weights: dict[str, float] = {}
    for item in text.split(","):
        name, _, typed = item.strip().partition("=")
        try:
            weight = float(typed) if typed else 1.0
        except ValueError:
            weight = -1.0
        if not name or not 0 < weight < float("inf") or name in weights:
            raise ExtractorError(
                f"{text!r} names no extractors",
                "name one, or several with commas between them and weights if wanted: a=2,b=1",
            )
        weights[name] = weight
    return weights


def extractors_in_use(settings: Settings) -> list[str]:
    """Return the names of the extractors that describe photos, the one for what is new first.

    Raises
    ------
    ExtractorError
        Where the setting names none.
    """
    return [*dict.fromkeys([*parse_extractors(settings.extractor), *settings.also])]


def installed() -> list[Plugin]:
    """Return every extractor that is installed, by name; none is imported."""
    return sorted((_plugin(point) for point in entry_points(group=GROUP)), key=_sort_key)


def load(name: str) -> LoadedExtractor:
    """Import the extractor called ``name``, make it, and check what it says of itself.

    Raises
    ------
    ExtractorError
        Where there is no such extractor, more than one, or it does not keep to the protocol.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        names = ", ".join(plugin.name for plugin in installed()) or "none"
        raise ExtractorError(f"there is no extractor {name!r}", f"installed: {names}")
    plugins = sorted(map(_plugin, points), key=_sort_key)
    if len(points) > 1:
        sources = " and ".join(f"{p.distribution} {p.distribution_version}" for p in plugins)
        raise ExtractorError(
            f"the extractor {name!r} is offered more than once, by {sources}", "uninstall one"
        )
    (plugin,) = plugins
    with _blaming(plugin, "cannot be loaded"):
        extractor = points[0].load()()
        declared = _declared(extractor)
    if fault := _fault(declared, plugin):
        raise ExtractorError(f"{plugin} breaks its contract: {fault}")
    return LoadedExtractor(plugin, extractor, declared)


class LoadedExtractor:
    """An extractor that is held to its contract at every call.

    Attributes
    ----------
    plugin : Plugin
        Where it comes from.
    name, version, input_size, dimension
        As in :class:`~photofind.extractors.protocol.Extractor`.
    """

    def __init__(self, plugin: Plugin, extractor: Extractor, declared: dict[str, Any]) -> None:
        self.plugin = plugin
        self.name = plugin.name
        self.version: str = declared["version"]
        self.input_size: tuple[int, int] = tuple(declared["input_size"])
        self.dimension: int = declared["dimension"]
        self._extractor = extractor

    def use_threads(self, threads: int) -> None:
        """Tell the extractor how many threads to use, where it can be told."""
        if isinstance(self._extractor, Threaded):
            with _blaming(self.plugin, "cannot set its threads"):
                self._extractor.threads = threads

    def embed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the unit vectors of a batch of pictures.

        Parameters
        ----------
        images : uint8, (N, height, width, 3)
            RGB, upright.

        Returns
        -------
        float32, (N, dimension)
            Of length 1, or 0 for a picture in which the extractor sees nothing at all.

        Raises
        ------
        ExtractorError
            Where the extractor fails, or returns another shape or type, or what is not finite.
        """
        import numpy as np

        with _blaming(self.plugin, "failed"):
            vectors = self._extractor.embed(images)
        if fault := _fault_of_vectors(vectors, (len(images), self.dimension)):
            raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
        # In float64: squares of large values would not be finite in float32.
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def _plugin(point: EntryPoint) -> Plugin:
    distribution = point.dist
    if distribution is None:  # An entry point that was made by hand, as in a frozen program.
        return Plugin(point.name, point.value, "an unknown distribution", "")
    return Plugin(point.name, point.value, distribution.name, distribution.version)


def _sort_key(plugin: Plugin) -> tuple[str, str]:
    return plugin.name, plugin.distribution


@contextmanager
def _blaming(plugin: Plugin, what: str) -> Iterator[None]:
    """Turn whatever a plugin raises into an error that names it; the traceback is logged."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # A plugin may well call sys.exit.
        _logger.error("%s %s", plugin, what, exc_info=error)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ExtractorError(f"{plugin} {what}: {reason}") from error


def _declared(extractor: Any) -> dict[str, Any]:
    """Return what an extractor says of itself; None for what it does not say."""
    names = ("name", "version", "protocol", "input_size", "dimension", "embed")
    return {name: getattr(extractor, name, None) for name in names}


def _fault(declared: dict[str, Any], plugin: Plugin) -> str | None:
    """Return what is wrong with what an extractor says of itself, None where nothing is."""
    if declared["protocol"] != PROTOCOL:
        return f"its protocol is {declared['protocol']!r}, this photofind speaks {PROTOCOL}"
    if declared["name"] != plugin.name:
        return f"it calls itself {declared['name']!r}"
    for word in ("name", "version"):
        if not isinstance(declared[word], str) or not _WORD.fullmatch(declared[word]):
            return f"its {word} {declared[word]!r} is not a short word"
    size = declared["input_size"]
    if not (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(_is_within(side, _LARGEST_SIDE) for side in size)
    ):
        return f"its input size {size!r} is not a height and a width in pixels"
    if not _is_within(declared["dimension"], _LARGEST_DIMENSION):
        return f"its dimension {declared['dimension']!r} is not a length of vectors"
    if not callable(declared["embed"]):
        return "it has no method embed"
    return None


def _is_within(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest


def _fault_of_vectors(vectors: Any, shape: tuple[int, int]) -> str | None:
    """Return what is wrong with what an extractor returned, None where nothing is."""
    import numpy as np

    if not isinstance(vectors, np.ndarray):
        return f"it returned {type(vectors).__name__}, not an array"
    if vectors.shape != shape:
        return f"it returned vectors of shape {vectors.shape}, not {shape}"
    if vectors.dtype != np.float32:
        return f"it returned vectors of {vectors.dtype}, not float32"
    if not np.isfinite(vectors).all():
        return "it returned vectors with values that are not finite"
    return None
