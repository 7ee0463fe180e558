"""The installed extractors, and loading one with every result checked.

They are entry points of distributions and the models that the user added. Listing imports no
plugin. A loaded extractor is checked at every call, so a defect becomes an
:class:`~photofind.errors.ExtractorError` that names the plugin, never a bad vector in the library.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from photofind.errors import ExtractorError, PhotofindError
from photofind.extractors import models
from photofind.extractors.code_files import code_of, stamp
from photofind.extractors.protocol import (
    ABILITIES,
    GROUP,
    PROTOCOL,
    PROTOCOLS,
    Extractor,
    Threaded,
)
from photofind.model.extractor_choice import parse_extractors
from photofind.paths import Home
from photofind.settings import Settings

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Pixels: TypeAlias = npt.NDArray[np.uint8]
    Sizes: TypeAlias = Sequence[tuple[int, int]] | npt.NDArray[np.int64]

__all__ = [
    "LoadedExtractor",
    "Plugin",
    "extractors_in_use",
    "identity",
    "installed",
    "is_name",
    "load",
    "make_extractor",
]

_LARGEST_SIDE = 4096
_LARGEST_DIMENSION = 65536
_LARGEST_BATCH = 1024
_LONGEST_IDLE = 86_400
BATCH_SIZE = 16
"""How many pictures an extractor is given at a time that has no wish of its own."""
# Names and versions are parts of folder names.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``photofind.extractors``, or a model that the user added.

    Parameters
    ----------
    name
        The extractor's name.
    target
        Its factory, ``"package.module:factory"``, or the path of the model.
    distribution, distribution_version
        The installed package that provides it; for a model its file, and the start of its hash.
    """

    name: str
    target: str
    distribution: str
    distribution_version: str

    def __str__(self) -> str:
        source = f"{self.distribution} {self.distribution_version}".strip()
        return f"the extractor {self.name!r} of {source}"


def extractors_in_use(settings: Settings) -> list[str]:
    """Return the names of the extractors that embed photos, the first one for new photos first.

    Raises
    ------
    ExtractorError
        If the setting cannot be parsed.
    """
    return [*dict.fromkeys([*parse_extractors(settings.extractor), *settings.also])]


def installed(home: Home | None = None) -> list[Plugin]:
    """Return all installed extractors, sorted by name, without importing them.

    Parameters
    ----------
    home
        The home with the user's models; this user's by default.
    """
    return [plugin for plugin, _ in _offers(home or Home.default())]


def is_name(word: object) -> bool:
    """Return whether ``word`` can be an extractor's name or version, and part of a folder name."""
    return isinstance(word, str) and _WORD.fullmatch(word) is not None


def identity(name: str, version: str, build: str) -> str:
    """Return what names one build of one version of an extractor."""
    return f"{name}@{version} ({build})"


def load(name: str) -> LoadedExtractor:
    """Import and create the extractor called ``name``, and check its attributes.

    Raises
    ------
    ExtractorError
        If there is no such extractor, more than one, or it violates the protocol.
    """
    offers = _offers(Home.default())
    named = [(plugin, make) for plugin, make in offers if plugin.name == name]
    if not named:
        names = ", ".join(plugin.name for plugin, _ in offers) or "none"
        raise ExtractorError(f"there is no extractor {name!r}", f"installed: {names}")
    if len(named) > 1:
        sources = " and ".join(f"{p.distribution} {p.distribution_version}" for p, _ in named)
        raise ExtractorError(
            f"the extractor {name!r} is provided by {sources}", "uninstall one of them"
        )
    ((plugin, make),) = named
    return make_extractor(plugin, make)


def make_extractor(plugin: Plugin, make: Callable[[], Any]) -> LoadedExtractor:
    """Create an extractor with ``make`` and check its attributes.

    Raises
    ------
    ExtractorError
        If it cannot be created or violates the protocol.
    """
    with _blaming(plugin, "cannot be loaded"):
        extractor = make()
        declared = _declared(extractor)
    if declared["protocol"] not in PROTOCOLS:
        raise ExtractorError(
            f"{plugin} needs protocol {declared['protocol']!r}, "
            f"but this photofind has protocol {PROTOCOL}",
            f"install another version of {plugin.distribution}, or of photofind",
        )
    if fault := _fault(declared, plugin):
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
        self.derives_from = _names(declared["derives_from"])
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
            fault = _fault_of_array(maps, shape, "a feature map")
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
        if fault := _fault_of_tags(tags, count):
            raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
        return tags

    def _unit_vectors(self, vectors: Any, count: int) -> npt.NDArray[np.float32]:
        import numpy as np

        if fault := _fault_of_array(vectors, (count, self.dimension), "vectors"):
            raise ExtractorError(f"{self.plugin} breaks its contract: {fault}")
        # In float64, since squares of large values may overflow float32.
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        unit: npt.NDArray[np.float32] = vectors / np.where(lengths == 0, 1, lengths)
        return unit.astype(np.float32)


def _offers(home: Home) -> list[tuple[Plugin, Callable[[], Any]]]:
    """Return all extractors with their factories, sorted by name; nothing is imported yet."""

    def importing(point: EntryPoint) -> Callable[[], Any]:
        return lambda: point.load()()

    def opening(model: models.Model) -> Callable[[], Any]:
        def make() -> Any:
            if model.derives_from:
                from photofind.extractors.heads import HeadExtractor

                return HeadExtractor(model)
            from photofind.extractors.custom import CustomModel

            return CustomModel(model)

        return make

    offers: list[tuple[Plugin, Callable[[], Any]]] = [
        (_plugin(point), importing(point)) for point in entry_points(group=GROUP)
    ]
    offers += [
        (Plugin(model.name, model.path, model.source, model.sha256[:8]), opening(model))
        for model in models.list_models(home)
    ]
    return sorted(offers, key=lambda offer: (offer[0].name, offer[0].distribution))


def _plugin(point: EntryPoint) -> Plugin:
    try:
        name, version = point.dist.name, point.dist.version  # type: ignore[union-attr]
    except (AttributeError, KeyError, OSError, TypeError):
        # No metadata: a frozen program has none, an installer is about to write it.
        name = version = None
    return Plugin(point.name, point.value, name or "an unknown distribution", version or "")


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


def _declared(extractor: Any) -> dict[str, Any]:
    """Return the attributes of an extractor; None for missing ones."""
    names = (
        *("name", "version", "protocol", "input_size", "preview_size", "dimension"),
        *("derives_from", "embed_embeddings", "device", "batch_size", "idle_seconds", "aspect"),
        *("embed", "describe", *ABILITIES),
    )
    return {name: getattr(extractor, name, None) for name in names}


def _fault(declared: dict[str, Any], plugin: Plugin) -> str | None:
    """Return what is wrong with the attributes of an extractor; None if nothing is."""
    if declared["name"] != plugin.name:
        return f"it calls itself {declared['name']!r}"
    for word in ("name", "version"):
        if not is_name(declared[word]):
            return f"its {word} {declared[word]!r} is not a short word"
    if not _is_within(declared["dimension"], _LARGEST_DIMENSION):
        return f"its dimension {declared['dimension']!r} is not a valid length"
    if (size := declared["preview_size"]) is not None and not _is_size(size):
        return f"its preview size {size!r} is not a height and a width in pixels"
    if (size := declared["batch_size"]) is not None and not _is_within(size, _LARGEST_BATCH):
        return f"its batch size {size!r} is not a number of pictures, {_LARGEST_BATCH} at most"
    if (aspect := declared["aspect"]) not in (None, "native"):
        return f"its aspect {aspect!r} is not 'native'"
    if (word := declared["device"]) is not None and not is_name(word):
        return f"its device {word!r} is not a short word"
    if (idle := declared["idle_seconds"]) is not None and not _is_time(idle):
        return f"its idle time {idle!r} is not a number of seconds, {_LONGEST_IDLE} at most"
    if declared["derives_from"] is not None:
        return _fault_of_derived(declared)
    if not _is_size(size := declared["input_size"]):
        return f"its input size {size!r} is not a height and a width in pixels"
    if not callable(declared["embed"]):
        return "it has no method embed"
    return None


def _fault_of_derived(declared: dict[str, Any]) -> str | None:
    names = _names(declared["derives_from"])
    if not names or not all(is_name(part) for name in names for part in name.split("@", 1)):
        return f"its derives_from {declared['derives_from']!r} is no name of an extractor"
    bases = [name.partition("@")[0] for name in names]
    if len({*bases}) < len(bases) or declared["name"] in bases:
        return f"its derives_from {declared['derives_from']!r} has a name twice, or its own"
    if not callable(declared["embed_embeddings"]):
        return "it has no method embed_embeddings"
    return None


def _names(derives_from: object) -> tuple[str, ...]:
    """Return the names of the bases of a derived extractor; none where they are no words."""
    names = (derives_from,) if isinstance(derives_from, str) else derives_from
    is_list = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list else ()  # type: ignore[arg-type]


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(_is_within(side, _LARGEST_SIDE) for side in size)
    )


def _is_within(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= largest


def _is_time(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= _LONGEST_IDLE
    )


def _fault_of_array(array: Any, shape: tuple[int, ...], what: str) -> str | None:
    """Return what is wrong with an array that an extractor returned; None if nothing is."""
    import numpy as np

    if not isinstance(array, np.ndarray):
        return f"it returned {type(array).__name__}, not an array"
    if array.shape != shape:
        return f"it returned {what} of shape {array.shape}, not {shape}"
    if array.dtype != np.float32:
        return f"it returned {what} of {array.dtype}, not float32"
    if not np.isfinite(array).all():
        return f"it returned {what} with non-finite values"
    return None


def _fault_of_tags(tags: list[list[tuple[Any, float]]], count: int) -> str | None:
    if len(tags) != count:
        return f"it returned tags for {len(tags)} pictures, not {count}"
    for word, confidence in (tag for picture in tags for tag in picture):
        if not isinstance(word, str) or not word.strip() or not word.isprintable():
            return f"it returned the tag {word!r}, which is not a word"
        if not 0 <= confidence <= 1:
            return f"it returned the tag {word!r} with the confidence {confidence}"
    for picture in tags:
        if any(first < second for (_, first), (_, second) in pairwise(picture)):
            return "it returned tags that are not sorted by confidence"
    return None
