"""Indexing without pictures: a file's vector comes from its bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from photofind.images.reading import content_id
from photofind.indexing.pipeline import index
from photofind.library.embedded.catalog import Folder, Photo
from photofind.library.embedded.library import Library
from photofind.model import Report

DIMENSION = 8
SPACE = "simulated@1"


@dataclass
class SimulatedExtracted:
    path: str
    content: str = ""
    vector: np.ndarray | None = None
    failure: str | None = None
    refused: bool = field(default=False, kw_only=True)
    width: int = 0
    height: int = 0
    format: str = ""
    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None
    tags: tuple[tuple[str, float], ...] = ()


@dataclass
class SimulatedExtraction:
    """Notes what it read and what it embedded; bytes that begin with ``broken`` are no picture.

    ``tags`` are what it names in every picture that it embeds.
    """

    tags: tuple[tuple[str, float], ...] = ()
    read: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

    def extract(
        self, paths: Sequence[str], known: Collection[str] = ()
    ) -> list[SimulatedExtracted]:
        return [self._extract(path, known) for path in paths]

    def _extract(self, path: str, known: Collection[str]) -> SimulatedExtracted:
        self.read.append(path)
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
            path, content, vector_of(data), None, len(data), 1, "JPEG", tags=self.tags
        )


def vector_of(data: bytes) -> np.ndarray:
    seed = int(content_id(data)[:8], 16)
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def run(library: Library, extraction: SimulatedExtraction, **options) -> Report:
    """Index all folders of the library, taking each file as it is."""
    library.open_space("simulated", "1", DIMENSION)
    return index(library, extraction, SPACE, **{"settle": 0.0} | options)  # type: ignore[arg-type]


def add(library: Library, *folders: Path, excludes: tuple[str, ...] = ()) -> None:
    for folder in folders:
        library.put_folder(Folder(str(folder), added=0.0, excludes=excludes))


def vector_in(library: Library, photo: Photo) -> np.ndarray | None:
    """Return the vector that the library holds for a photo."""
    if SPACE not in photo.rows:
        return None
    return np.asarray(library.vectors(SPACE).rows([photo.rows[SPACE]]))[0]
