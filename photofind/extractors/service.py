"""Reading and embedding photos, in a worker: threads read and decode ahead of the network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError, ImageError, PassingImageError, VeryLargeError
from photofind.extractors.loaded import identity
from photofind.extractors.progress import showing_progress
from photofind.extractors.registry import load
from photofind.extractors.views import Sizes, Views, ViewsKind
from photofind.images.cost import Cost
from photofind.images.decode import Picture, decode
from photofind.images.formats import sidecar_of
from photofind.images.limits import Limits
from photofind.images.metadata import read_metadata
from photofind.images.preview import read_preview
from photofind.images.reading import content_id, read_bytes
from photofind.images.turns import Room, Turns
from photofind.images.views import LAID, crop, orientations, size_to_crop
from photofind.system.effort import Effort, Efforts

__all__ = ["ExtractionService"]

# Batches that are read ahead at most.
_AHEAD = 4

Record: TypeAlias = dict[str, Any]
Note: TypeAlias = Callable[[dict[str, Any]], None]
Pixels: TypeAlias = npt.NDArray[np.uint8]
AllTags: TypeAlias = list[list[tuple[str, float]]]
Embeddings: TypeAlias = tuple[list[Record], list[npt.NDArray[np.float32]]]
Describe: TypeAlias = Callable[[Pixels, Sizes], tuple[npt.NDArray[np.float32], AllTags | None]]
"""Returns an array for each picture of a batch, and tags if any are made; given the sizes of the
whole photos too."""
Read: TypeAlias = Callable[[str, Record, Effort], Pixels | None]
"""Reads the photo at a path: fills the record, says what effort that may take, and returns the
pixels if they are to be embedded."""

_logger = logging.getLogger(__name__)


class _Read(NamedTuple):
    """A photo that was read; ``pixels`` is None if there is nothing to embed."""

    position: int
    record: Record
    pixels: Pixels | None


class ExtractionService:
    """Reads photos and embeds them with one extractor.

    Parameters
    ----------
    extractor
        Its name.
    threads
        Threads that read photos, and that the extractor is told to use.
    pixels, bytes, memory, seconds
        The :class:`~photofind.images.limits.Limits` of a photo.
    turn
        The file by which processes take turns at very large photos.
    views
        What is embedded of a photo: "whole", or "crops" of it too.
    note
        Called regularly while the extractor converts its network.

    Raises
    ------
    ExtractorError
        If the extractor cannot be loaded, or fails on a blank picture.
    """

    def __init__(
        self,
        extractor: str,
        threads: int,
        pixels: int,
        bytes: int,  # noqa: A002
        memory: int,
        seconds: float,
        turn: str,
        views: ViewsKind = "whole",
        note: Note = lambda value: None,
    ) -> None:
        with showing_progress(note):
            self._extractor = load(extractor)
            self._extractor.use_threads(threads)
            # An extractor that always fails does so here, where no photo is blamed for it.
            if not self._extractor.derives_from:
                self._extractor.embed(np.full((1, *self._extractor.input_size, 3), 128, np.uint8))
        # A derived extractor looks at no picture: its bases embed views.
        self._views = Views(self._extractor, "whole" if self._extractor.derives_from else views)
        # What it makes may differ where this does.
        self._identity = identity(self._extractor.name, self._views.version, self._extractor.build)
        self._threads = threads
        self._limits = Limits(pixels, bytes, memory, seconds)
        self._files = Room(bytes)
        self._turns = Turns(memory, Path(turn))
        self._efforts = Efforts(seconds / 6)

    def info(self) -> Record:
        """Return the fields of :class:`~photofind.extractors.info.ExtractorInfo`."""
        return {
            "name": self._extractor.name,
            "version": self._views.version,
            "dimension": self._extractor.dimension,
            "input_size": self._extractor.input_size,
            "distribution": self._extractor.plugin.distribution,
            "build": self._extractor.build,
            "code": self._extractor.code,
            "abilities": self._extractor.abilities,
            "engine": self._extractor.engine,
            "device": self._extractor.device,
            "idle_seconds": self._extractor.idle_seconds,
            "derives_from": self._extractor.derives_from,
        }

    def embed_embeddings(
        self, *embeddings: npt.NDArray[np.float32]
    ) -> tuple[str, list[npt.NDArray[np.float32]]]:
        """Embed embeddings of other extractors, float32 (N, D) each, by a derived extractor.

        Returns
        -------
        made_by : str
            The identity of the extractor.
        vectors : list of one array
            float32 (N, dimension), unit vectors.

        Raises
        ------
        ExtractorError
            As :meth:`extract`.
        """
        return self._identity, [self._extractor.embed_embeddings(*embeddings)]

    def extract(
        self, paths: Sequence[str], known: Sequence[str], in_company: bool, note: Note
    ) -> Embeddings:
        """Read and embed photos.

        Parameters
        ----------
        paths
            The photos.
        known
            Content ids that are not embedded again.
        in_company
            Whether a photo that takes long is given up early, for the sake of the others.
        note
            Called with ``{"started": i}`` when photo ``i`` is begun, with ``{"finished": i}`` or a
            list of positions when some are done, and with ``{"embedding": b}`` before and after the
            extractor embeds some.

        Returns
        -------
        records : list of dict
            For each photo the known fields of
            :class:`~photofind.extractors.extracted.Extracted`, and ``embedded`` with a vector.
        vectors : list of one array
            float32 (embedded photos, dimension), unit vectors, in the order of the records.

        Raises
        ------
        ExtractorError
            If the extractor fails or breaks its contract.
        """
        contents = frozenset(known)
        limits = self._limits.in_company() if in_company else self._limits

        def read(path: str, record: Record, effort: Effort) -> Pixels | None:
            effort.seconds = limits.seconds_for(0)
            with effort.in_turn(self._files.take(_size(path))):
                return self._read(path, record, contents, effort, limits, in_company=in_company)

        return self._embed(paths, read, note)

    def extract_previews(self, paths: Sequence[str], note: Note) -> Embeddings:
        """Embed photos from the thumbnails inside them; otherwise like :meth:`extract`.

        A photo without a usable thumbnail has no vector, and may have no failure.
        """
        return self._embed(paths, self._read_preview, note)

    def embed_text(self, texts: Sequence[str]) -> tuple[None, list[npt.NDArray[np.float32]]]:
        """Return the embeddings of texts, float32 (N, dimension), unit vectors.

        Raises
        ------
        ExtractorError
            If the extractor does not embed texts, fails, or breaks its contract.
        """
        if "embed_text" not in self._extractor.abilities:
            raise ExtractorError(
                f"the extractor {self._extractor.name!r} does not embed texts",
                "choose one that does: `photofind extractors info NAME` tells",
            )
        return None, [self._extractor.embed_text(texts)]

    def extract_feature_maps(self, paths: Sequence[str], note: Note) -> Embeddings:
        """Return feature maps of photos, float32 (h, w, C) each, in place of their vectors.

        Otherwise like :meth:`extract`.

        Raises
        ------
        ExtractorError
            Also if the extractor has no feature maps.
        """
        if "feature_map" not in self._extractor.abilities:
            raise ExtractorError(
                f"the extractor {self._extractor.name!r} has no feature maps",
                "choose one that has: `photofind extractors info NAME` tells",
            )

        def read(path: str, record: Record, effort: Effort) -> Pixels | None:
            with effort.in_turn(self._files.take(_size(path))):
                size = self._extractor.input_size
                return self._read(path, record, (), effort, self._limits, size)

        return self._embed(
            paths,
            read,
            note,
            lambda pictures, sizes: (self._extractor.feature_map(pictures, sizes), None),
        )

    def extract_views(
        self,
        paths: Sequence[str],
        note: Note,
        box: Sequence[float] | None = None,
        turned: bool = False,
    ) -> Embeddings:
        """Embed views of one photo; otherwise like :meth:`extract`.

        Parameters
        ----------
        paths
            The photo.
        box
            The part of it that is embedded; all by default.
        turned
            Whether it is embedded turned and mirrored too.

        Returns
        -------
        records : list of one dict
        vectors : list of one array
            float32 (1, views, dimension), the photo as it is first; (0, views, dimension) without
            pixels.
        """
        size = self._views.size
        whole = size if box is None else size_to_crop(size, box)

        def read(path: str, record: Record, effort: Effort) -> Pixels | None:
            with effort.in_turn(self._files.take(_size(path))):
                return self._read(path, record, (), effort, self._limits, whole)

        _, record, pixels = self._read_one(0, paths[0], read, note)
        if pixels is None:
            return [record], [np.empty((0, 1, self._extractor.dimension), np.float32)]
        part = pixels if box is None else crop(pixels, size, box)
        across, down = (1.0, 1.0) if box is None else box[2:]
        sides = max(round(record["height"] * down), 1), max(round(record["width"] * across), 1)
        if turned:
            vectors = self._views.embed(orientations(part), [sides[::way] for way in LAID])
        else:
            vectors = self._views.embed(part[np.newaxis], [sides])
        note({"finished": 0})
        return [{**record, "embedded": True}], [np.asarray(vectors, np.float32)[np.newaxis]]

    def _embed(
        self, paths: Sequence[str], read: Read, note: Note, describe: Describe | None = None
    ) -> Embeddings:
        """Read photos with ``read`` and embed them in batches, in the order they become ready."""
        describe = describe or self._views.describe
        records: list[Record] = [{}] * len(paths)
        vectors: dict[int, npt.NDArray[np.float32]] = {}
        waiting: dict[int, Pixels] = {}

        def embed_waiting() -> None:
            pictures = np.stack([*waiting.values()])
            note({"embedding": True})
            sizes = [(records[place]["height"], records[place]["width"]) for place in waiting]
            embedded, tagged = describe(pictures, sizes)
            for position, tags in zip(waiting, tagged or (), strict=tagged is not None):
                records[position]["tags"] = tags
            for position, vector in zip(waiting, embedded, strict=True):
                vectors[position] = vector
                records[position]["embedded"] = True
            note({"finished": [*waiting]})
            note({"embedding": False})
            waiting.clear()

        with closing(self._read_all(paths, read, note)) as reading:
            for position, record, pixels in reading:
                records[position] = record
                if pixels is None:
                    note({"finished": position})
                    continue
                waiting[position] = pixels
                if len(waiting) == self._extractor.batch_size:
                    embed_waiting()
        if waiting:
            embed_waiting()
        in_order = [vectors[position] for position in sorted(vectors)]
        return records, [np.array(in_order, np.float32)]

    def _read_all(self, paths: Sequence[str], read: Read, note: Note) -> Generator[_Read]:
        """Read photos in several threads and yield them when ready, some batches in advance."""
        ready: SimpleQueue[Future[_Read]] = SimpleQueue()
        unread = enumerate(paths)

        with ThreadPoolExecutor(self._threads) as pool:

            def submit(count: int) -> None:
                for position, path in islice(unread, count):
                    pool.submit(self._read_one, position, path, read, note).add_done_callback(
                        ready.put
                    )

            try:
                submit(_AHEAD * self._extractor.batch_size)
                for _ in paths:
                    yield ready.get().result()
                    submit(1)
            finally:
                pool.shutdown(cancel_futures=True)

    def _read_one(self, position: int, path: str, read: Read, note: Note) -> _Read:
        note({"started": position})
        record: Record = {"made_by": self._identity}
        least = self._limits.seconds_for(0)
        try:
            with self._efforts.of(position, least, note) as effort:
                return _Read(position, record, read(path, record, effort))
        except VeryLargeError:
            record["put_off"] = True
        except ImageError as error:
            record["failure"] = error.message
            record["passing"] = isinstance(error, PassingImageError)
        except MemoryError:
            record |= {"failure": "not enough memory to read it", "passing": True}
        return _Read(position, record, None)

    def _read(
        self,
        path: str,
        record: Record,
        known: Collection[str],
        effort: Effort,
        limits: Limits,
        size: tuple[int, int] | None = None,
        *,
        in_company: bool = False,
    ) -> Pixels | None:
        data = read_bytes(path, limits)
        effort.seconds = limits.seconds_for(len(data))
        record["content"] = content_id(data)
        record |= asdict(read_metadata(data, self._sidecar(path, record)))
        if record["content"] in known:
            return None

        @contextmanager
        def take(cost: Cost) -> Iterator[None]:
            if in_company and cost.is_high:
                raise VeryLargeError("others do not wait for it")
            effort.seconds = limits.seconds_for(len(data), cost.pixels)
            with effort.in_turn(self._turns.take(cost)):
                yield

        name = Path(path).name
        size = size or self._views.size
        return _pixels_of(decode(data, size, limits, name, take), record)

    def _read_preview(self, path: str, record: Record, _: Effort) -> Pixels | None:
        preview = read_preview(path, self._extractor.preview_size, self._limits)
        if preview is None:
            return None
        record["content"] = preview.content
        record |= asdict(read_metadata(preview.head, self._sidecar(path, record)))
        return _pixels_of(preview.picture, record)

    def _sidecar(self, path: str, record: Record) -> bytes | None:
        try:
            sidecar = sidecar_of(Path(path))
            return read_bytes(sidecar, self._limits) if sidecar else None
        except (ImageError, OSError) as error:  # The photo itself can still be read.
            _logger.warning("the sidecar of %s: %s", path, error)
            record["lacks_sidecar"] = isinstance(error, PassingImageError | OSError)
            return None


def _size(path: str) -> int:
    """Return the size of a file in bytes; 0 if it cannot be told."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def _pixels_of(picture: Picture, record: Record) -> Pixels:
    """Fill the record with the properties of a picture; return its pixels."""
    record |= {"width": picture.width, "height": picture.height, "format": picture.format}
    record["note"] = picture.note
    record["fingerprint"] = picture.fingerprint
    return picture.pixels
