"""A library that is kept true to a folder, with an extraction that decodes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from waiting import wait_until

from photofind.errors import ExtractorError
from photofind.images.reading import content_id
from photofind.indexing.indexer import Indexer
from photofind.library.embedded.catalog import PRELIMINARY, Folder, Photo
from photofind.library.embedded.library import Library
from photofind.model import Event
from photofind.paths import Home
from photofind.settings import Settings

__all__ = ["PATIENCE", "Extraction", "IndexedFolder", "until"]

DIMENSION = 8
SPACE = "simulated@1"
PATIENCE = 40.0


class Extraction:
    """Notes what it reads; bytes that begin with ``thumb`` carry a thumbnail."""

    def __init__(self, name: str = "simulated") -> None:
        self.name = name
        self.read: list[str] = []
        self.decoded: list[str] = []
        self.previewed: list[str] = []
        self.delay = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.broken = ""
        self.pid = None

    def info(self) -> Any:
        if self.broken:
            raise ExtractorError(self.broken)
        return SimpleNamespace(name=self.name, version="1", dimension=DIMENSION, build="")

    def extract(self, paths: list[str], known: set[str] = frozenset()) -> list[Any]:  # type: ignore[assignment]
        self.gate.wait(PATIENCE)
        return [self._extract(path, known) for path in paths]

    def extract_previews(self, paths: list[str]) -> list[Any]:
        self.gate.wait(PATIENCE)
        return [self._preview(path) for path in paths]

    def close(self) -> None:
        self.gate.set()

    def _extract(self, path: str, known: set[str]) -> Any:
        time.sleep(self.delay)
        self.read.append(path)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            return extracted(path, "", failure=str(error.strerror))
        content = content_id(data)
        if data.startswith(b"broken"):
            return extracted(path, content, failure="no picture")
        if content in known:
            return extracted(path, content)
        self.decoded.append(path)
        return extracted(path, content, vector_of(data))

    def _preview(self, path: str) -> Any:
        self.previewed.append(path)
        data = Path(path).read_bytes()
        if not data.startswith(b"thumb"):
            return None
        return extracted(path, PRELIMINARY + content_id(data), vector_of(data[:8]))


def extracted(path: str, content: str, vector: Any = None, failure: str | None = None) -> Any:
    return SimpleNamespace(
        path=path, content=content, vector=vector, failure=failure, refused=False, width=1,
        height=1, format="JPEG", captured=None, camera=None, latitude=None, longitude=None,
        keywords=(), caption=None, tags=() if vector is None else (("simulated", 0.5),),
    )  # fmt: skip


def vector_of(data: bytes) -> np.ndarray:
    vector = np.random.default_rng(int(content_id(data)[:8], 16)).standard_normal(DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class IndexedFolder:
    """A kept library, a folder of it, and what was told."""

    def __init__(self, home: Home, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.library = Library(home, writable=True)
        self.extraction = Extraction()
        self.others: dict[str, Extraction] = {}
        self.told: list[Event] = []
        self.indexer = Indexer(
            self.library,
            lambda name: self.others.get(name, self.extraction),  # type: ignore[arg-type,return-value]
            settings,
            self.told.append,
        )
        self.library.put_folder(Folder(str(folder), added=time.time()))

    def put(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def photo(self, path: Path | str) -> Photo | None:
        return self.library.photo(str(path))

    def names(self) -> list[str]:
        return sorted(os.path.relpath(photo.path, self.folder) for photo in self.library.photos())

    def vector(self, path: Path | str) -> np.ndarray | None:
        photo = self.photo(path)
        if photo is None or SPACE not in photo.rows:
            return None
        vector: np.ndarray = self.library.vectors(SPACE).rows([photo.rows[SPACE]])[0]
        return vector

    def has(self, path: Path | str, data: bytes) -> bool:
        vector = self.vector(path)
        return vector is not None and bool(np.allclose(vector, vector_of(data), atol=1e-2))

    def index(self) -> Any:
        return self.indexer.index(self.library.folders())


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is true."""
    wait_until(true, seconds=seconds)
