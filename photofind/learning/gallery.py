"""Labelled photos become embeddings: the library's own, kept ones, or made by an extractor.

The library is only read. What has to be embedded is kept in the cache, in one file for each set of
photos and extractor, so that it is embedded once.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.extractors.extraction import Extraction
from photofind.extractors.info import ExtractorInfo
from photofind.learning.labels import LabelledPhotos
from photofind.library.made_by import space_made_by
from photofind.library.store import Store
from photofind.model import Progress
from photofind.model.extractor_choice import parse_extractors
from photofind.model.fused import fused_parts, fused_space
from photofind.model.records import Space
from photofind.paths import write_atomically
from photofind.ranking.fusion import fuse_embeddings
from photofind.ranking.projection import Vectors32, normalised

__all__ = ["EmbeddedPhotos", "Gallery", "embed_photos", "make_gallery"]

_logger = logging.getLogger(__name__)

_BATCH = 64
_FORMAT = 1

Report = Callable[[Progress], None]


class _Known(NamedTuple):
    """What is known of a photo: its file's size and time, its content, fingerprint and vector."""

    size: int
    modified: int
    content: str
    fingerprint: str | None
    vector: Vectors32


@dataclass(frozen=True, eq=False)
class EmbeddedPhotos:
    """Photos as one extractor embeds them.

    Parameters
    ----------
    space
        Its space.
    contents
        The content id of each photo, empty where it could not be embedded.
    fingerprints
        The fingerprint of each, where there is one.
    vectors
        float32 (n, D), at unit length; zeros where a photo could not be embedded.
    failures
        Why photos could not be embedded, by their places.
    """

    space: Space
    contents: tuple[str, ...]
    fingerprints: tuple[str | None, ...]
    vectors: Vectors32
    failures: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class Gallery:
    """Labelled photos that all of some extractors embed.

    Parameters
    ----------
    photos
        The photos.
    contents, fingerprints
        Of each of them, (n,).
    embeddings
        By the choice of extractors, as in "mobilenet" or "a,b"; float32 (n, D), at unit length.
    spaces
        The space of each choice.
    failures
        Path and reason of each photo that is left out.
    """

    photos: LabelledPhotos
    contents: tuple[str, ...]
    fingerprints: tuple[str | None, ...]
    embeddings: Mapping[str, Vectors32]
    spaces: Mapping[str, Space]
    failures: tuple[tuple[str, str], ...] = ()

    def select(self, places: npt.NDArray[np.intp]) -> Gallery:
        """Return some of the photos."""
        return Gallery(
            self.photos.select(places),
            tuple(self.contents[place] for place in places),
            tuple(self.fingerprints[place] for place in places),
            {choice: vectors[places] for choice, vectors in self.embeddings.items()},
            self.spaces,
            self.failures,
        )


def make_gallery(
    photos: LabelledPhotos,
    choices: Sequence[str],
    extraction: Callable[[str], Extraction],
    store: Store | None,
    cache: Path,
    progress: Report = lambda progress: None,
) -> Gallery:
    """Embed labelled photos with some choices of extractors; what any cannot embed is left out.

    Parameters
    ----------
    choices
        Names of extractors, or several that compare together, as in "a,b=2".
    extraction
        Gives what embeds photos, by the name of an extractor.
    store
        The library, open for reading; None where there is none.
    cache
        The folder of kept embeddings.

    Raises
    ------
    ExtractorError
        One is not installed, or does not work.
    LearningError
        None of the photos can be embedded.
    """
    weights = {choice: parse_extractors(choice) for choice in choices}
    names = dict.fromkeys(name for named in weights.values() for name in named)
    embedded = {
        name: embed_photos(photos, extraction(name), store, cache, progress) for name in names
    }
    failed: dict[int, str] = {}
    for one in embedded.values():
        failed |= one.failures
    kept = np.array([place for place in range(len(photos)) if place not in failed], np.intp)
    if not len(kept):
        place, reason = next(iter(failed.items()))
        raise LearningError(
            f"none of the {len(photos):,} photos in {photos.source} can be read",
            f"{photos.paths[place]}: {reason}",
        )
    first = next(iter(embedded.values()))
    embeddings: dict[str, Vectors32] = {}
    spaces: dict[str, Space] = {}
    for choice, named in weights.items():
        parts = fused_parts({embedded[name].space: weight for name, weight in named.items()})
        spaces[choice] = fused_space(parts) if len(parts) > 1 else next(iter(parts))
        vectors = [embedded[space.extractor].vectors[kept] for space in parts]
        embeddings[choice] = fuse_embeddings(*vectors, weights=[*parts.values()])
    return Gallery(
        photos.select(kept, *_failure_notes(photos, failed)),
        tuple(first.contents[place] for place in kept),
        tuple(first.fingerprints[place] for place in kept),
        embeddings,
        spaces,
        tuple((photos.paths[place], reason) for place, reason in sorted(failed.items())),
    )


def embed_photos(
    photos: LabelledPhotos,
    extraction: Extraction,
    store: Store | None,
    cache: Path,
    progress: Report = lambda progress: None,
) -> EmbeddedPhotos:
    """Return the embeddings of photos by one extractor, made only where they are not known.

    Raises
    ------
    ExtractorError
        The extractor does not work.
    """
    progress(Progress("starting the extractor", 0))
    info = extraction.info()
    stamps = [_stamp(path) for path in photos.paths]
    file = _cache_file(cache, photos, info)
    kept = _load(file, info.dimension)
    known = {**kept, **_from_library(photos.paths, info, store)}
    found: dict[str, _Known] = {}
    for path, stamp in zip(photos.paths, stamps, strict=True):
        if path in known and stamp == known[path][:2]:
            found[path] = known[path]
    failures: dict[str, str] = {}
    left = [path for path in photos.paths if path not in found]
    try:
        _extract(left, dict(zip(photos.paths, stamps, strict=True)), extraction, info, found,
                 failures, progress)  # fmt: skip
    finally:
        if left and any(path in found for path in left):
            try:
                _save(file, found, info.dimension)
            except OSError as error:  # The next evaluation embeds them again.
                _logger.warning("embeddings cannot be kept in %s: %s", file, error)
    vectors = np.zeros((len(photos), info.dimension), np.float32)
    for place, path in enumerate(photos.paths):
        if path in found:
            vectors[place] = found[path].vector
    there = [found.get(path) for path in photos.paths]
    return EmbeddedPhotos(
        Space(info.name, info.version, info.dimension, info.build),
        tuple(one.content if one else "" for one in there),
        tuple(one.fingerprint if one else None for one in there),
        normalised(vectors),
        {place: failures[path] for place, path in enumerate(photos.paths) if path in failures},
    )


def _extract(
    paths: Sequence[str],
    stamps: Mapping[str, tuple[int, int]],
    extraction: Extraction,
    info: ExtractorInfo,
    found: dict[str, _Known],
    failures: dict[str, str],
    progress: Report,
) -> None:
    phase = f"embedding photos with {info.name}"
    began = time.monotonic()
    for start in range(0, len(paths), _BATCH):
        rate = start / (time.monotonic() - began) if start else None
        left = (len(paths) - start) / rate if rate else None
        progress(Progress(phase, start, len(paths), len(failures), rate, left))
        for result in extraction.extract(paths[start : start + _BATCH]):
            path = result.path
            if result.vector is None:
                failures[path] = result.failure or "it cannot be read"
            else:
                found[path] = _Known(
                    *stamps[path], result.content, result.fingerprint, result.vector
                )


def _from_library(
    paths: Sequence[str], info: ExtractorInfo, store: Store | None
) -> dict[str, _Known]:
    """Return what the library knows of photos that it has whole, by this extractor."""
    space = space_made_by(store, info) if store else None
    if store is None or space is None:
        return {}
    photos = [
        photo
        for photo in store.by_path(paths).values()
        if space.id in photo.spaces and not photo.preliminary
    ]
    has, vectors = store.embeddings(space.id, [photo.content for photo in photos])
    return {
        photo.path: _Known(
            photo.size, photo.modified, photo.content, photo.fingerprint, vector.astype(np.float32)
        )
        for photo, is_there, vector in zip(photos, has, vectors, strict=True)
        if is_there
    }


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return (0, 0)  # The extraction says what is wrong with it.
    return status.st_size, status.st_mtime_ns


def _cache_file(cache: Path, photos: LabelledPhotos, info: ExtractorInfo) -> Path:
    named = "\0".join((photos.source, info.identity)).encode("utf-8", "surrogateescape")
    return cache / f"{hashlib.sha256(named).hexdigest()[:24]}.npz"


def _save(file: Path, found: Mapping[str, _Known], dimension: int) -> None:
    records = [[path, *one[:4]] for path, one in found.items()]
    text = json.dumps({"format": _FORMAT, "photos": records}).encode("ascii")
    buffer = io.BytesIO()
    vectors = np.array([one.vector for one in found.values()], np.float32)
    np.savez(
        buffer,
        photos=np.frombuffer(text, np.uint8),
        vectors=vectors.reshape(-1, dimension),
    )
    write_atomically(file, buffer.getvalue())


def _load(file: Path, dimension: int) -> dict[str, _Known]:
    """Return what is kept; nothing where the file is missing or damaged: it can be made again."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            kept = json.loads(arrays["photos"].tobytes())
            vectors = arrays["vectors"]
        if kept["format"] != _FORMAT or vectors.shape != (len(kept["photos"]), dimension):
            return {}
        return {
            path: _Known(size, modified, content, fingerprint, vector)
            for (path, size, modified, content, fingerprint), vector in zip(
                kept["photos"], vectors, strict=True
            )
        }
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}


def _failure_notes(photos: LabelledPhotos, failed: Mapping[int, str]) -> tuple[str, ...]:
    if not failed:
        return ()
    place = min(failed)
    share = f"{len(failed):,} of {len(photos):,} photos"
    return (f"{share} cannot be read and are left out, such as {photos.paths[place]}: "
            f"{failed[place]}",)  # fmt: skip
