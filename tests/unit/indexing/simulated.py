"""Indexing without pictures: a file's embedding comes from its bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from photofind.errors import ExtractorError, OtherBuildError
from photofind.extractors.info import ExtractorInfo
from photofind.images.reading import content_id
from photofind.indexing.one_shot import index_once
from photofind.library.store import Store
from photofind.model import Report
from photofind.model.records import Folder, Photo
from photofind.settings import Settings

DIMENSION = 8
SPACE = "simulated@1"


@dataclass
class SimulatedExtracted:
    path: str
    content: str = ""
    vector: np.ndarray | None = None
    failure: str | None = None
    refused: bool = field(default=False, kw_only=True)
    passing: bool = field(default=False, kw_only=True)
    put_off: bool = field(default=False, kw_only=True)
    lacks_sidecar: bool = field(default=False, kw_only=True)
    made_by: str | None = field(default=None, kw_only=True)
    width: int = 0
    height: int = 0
    format: str = ""
    fingerprint: str | None = None
    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None
    note: str | None = None
    tags: tuple[tuple[str, float], ...] = ()
    note: str | None = None


@dataclass
class SimulatedExtraction:
    """Notes what it read and what it embedded; bytes that begin with ``broken`` are no picture.

    ``tags`` are what it names in every picture that it embeds. What is in ``unreadable`` cannot be
    read at the moment, and what is in ``slow`` takes long.
    """

    tags: tuple[tuple[str, float], ...] = ()
    name: str = "simulated"
    read: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    batches: list[list[str]] = field(default_factory=list)
    silence: float = 0.0
    has_fleet: bool = False
    fingerprint: str | None = "1" + 44 * "A"

    def info(self) -> Any:
        return ExtractorInfo(self.name, "1", DIMENSION, (1, 1), "simulated")

    def extract(
        self, paths: Sequence[str], known: Collection[str] = (), *, in_company: bool = False
    ) -> list[SimulatedExtracted]:
        self.batches.append([*paths])
        return [self._extract(path, known, in_company) for path in paths]

    def close(self) -> None:
        """Do nothing: there is no worker."""

    def _extract(self, path: str, known: Collection[str], in_company: bool) -> SimulatedExtracted:
        self.read.append(path)
        if path in self.slow and in_company:
            return SimulatedExtracted(path, put_off=True)
        if path in self.unreadable:
            return SimulatedExtracted(path, failure="Input/output error", passing=True)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            return SimulatedExtracted(path, failure=str(error.strerror))
        content = content_id(data)
        if data.startswith(b"broken"):
            return SimulatedExtracted(path, content, failure="no picture")
        if content in known:
            return SimulatedExtracted(path, content)
        self.embedded.append(path)
        return SimulatedExtracted(
            path,
            content,
            vector_of(data),
            None,
            len(data),
            1,
            "JPEG",
            self.fingerprint,
            tags=self.tags,
        )


@dataclass
class SimulatedDerived:
    """The first numbers of its bases' embeddings; it notes how many it was given at a time."""

    name: str = "derived"
    derives_from: tuple[str, ...] = ("simulated",)
    version: str = "1+1"
    batches: list[int] = field(default_factory=list)
    works: bool = True
    changes: bool = False  # Once, while it is in use.
    loaded: int = 0

    def info(self) -> Any:
        self.loaded += 1
        return ExtractorInfo(
            self.name,
            self.version,
            2 * len(self.derives_from),
            (0, 0),
            "simulated",
            derives_from=self.derives_from,
        )

    def embed_embeddings(self, *embeddings: np.ndarray) -> np.ndarray:
        if not self.works:
            raise ExtractorError("the extractor 'derived' failed")
        if self.changes:
            self.changes = False
            raise OtherBuildError("the extractor 'derived' is not what it was")
        self.batches.append(len(embeddings[0]))
        vectors = np.concatenate([part[:, :2] for part in embeddings], axis=1)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def close(self) -> None:
        """Do nothing: there is no worker."""


def vector_of(data: bytes) -> np.ndarray:
    seed = int(content_id(data)[:8], 16)
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def run(
    store: Store,
    extraction: SimulatedExtraction,
    *others: SimulatedExtraction | SimulatedDerived,
    excludes: tuple[str, ...] = (),
    extractor: str = "",
    **options: Any,
) -> Report:
    """Index all folders of the library, taking each file as it is; ``others`` embed it too.

    ``extractor`` is that setting, where it is not just the first.
    """
    extractions = {one.name: one for one in (extraction, *others)}
    settings = Settings(
        extractor=extractor or extraction.name,
        also=() if extractor else tuple(one.name for one in others),
        exclude=excludes,
    )
    return index_once(
        store,
        extractions.__getitem__,  # type: ignore[arg-type]
        settings,
        **{"settle": 0.0} | options,
    ).report


def add(store: Store, *folders: Path, excludes: tuple[str, ...] = ()) -> None:
    for folder in folders:
        store.put_folder(Folder(str(folder), added=0.0, excludes=excludes))


def photo_at(store: Store, path: Path | str) -> Photo:
    """Return the photo at a path; fails where there is none."""
    return store.by_path([str(path)])[str(path)]


def embedding_in(store: Store, photo: Photo) -> np.ndarray | None:
    """Return the embedding that the library holds for a photo."""
    if SPACE not in photo.spaces:
        return None
    return np.asarray(store.embeddings(SPACE, [photo.content])[1])[0]
