"""A library that is kept up to date with a folder, with an extraction that decodes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from waiting import wait_until

from photofind.errors import ExtractorError
from photofind.extractors.extracted import Extracted
from photofind.extractors.info import ExtractorInfo
from photofind.images.reading import content_id
from photofind.indexing.debouncer import SETTLE_WATCHED
from photofind.indexing.indexer import Indexer
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.store import Store
from photofind.model import Event
from photofind.model.records import PRELIMINARY, Folder, Photo
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
        self.unreadable: set[str] = set()
        self.pid = None
        self.silence = 0.0
        self.has_fleet = False

    def info(self) -> Any:
        if self.broken:
            raise ExtractorError(self.broken)
        return ExtractorInfo(self.name, "1", DIMENSION, (1, 1), "simulated")

    def extract(self, paths: list[str], known: Any = (), *, in_company: bool = False) -> list[Any]:
        self.gate.wait(PATIENCE)
        return [self._extract(path, set(known)) for path in paths]

    def extract_views(self, path: str, **options: Any) -> Extracted:
        """Views of a photo all look the same."""
        (upright,) = self.extract([path])
        return upright if upright.vector is None else replace(upright, vector=upright.vector[None])

    def extract_previews(self, paths: list[str]) -> list[Any]:
        self.gate.wait(PATIENCE)
        return [self._preview(path) for path in paths]

    def close(self) -> None:
        self.gate.set()

    def _extract(self, path: str, known: set[str]) -> Any:
        time.sleep(self.delay)
        self.read.append(path)
        if path in self.unreadable:
            return extracted(path, "", failure="Input/output error", passing=True)
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
        return extracted(path, content, embedding_of(data))

    def _preview(self, path: str) -> Any:
        self.previewed.append(path)
        data = Path(path).read_bytes()
        if not data.startswith(b"thumb"):
            return None
        return extracted(path, PRELIMINARY + content_id(data), embedding_of(data[:8]))


def extracted(
    path: str,
    content: str,
    vector: Any = None,
    failure: str | None = None,
    *,
    passing: bool = False,
) -> Extracted:
    return Extracted(
        path=path, content=content, vector=vector, failure=failure, passing=passing,
        width=1, height=1, format="JPEG", fingerprint="1" + 44 * "A",
        tags=() if vector is None else (("simulated", 0.5),),
    )  # fmt: skip


def embedding_of(data: bytes) -> np.ndarray:
    vector = np.random.default_rng(int(content_id(data)[:8], 16)).standard_normal(DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class IndexedFolder:
    """A library that is kept up to date with one folder, and the events of its indexer."""

    def __init__(
        self, home: Home, folder: Path, settings: Settings, library: Store | None = None
    ) -> None:
        self.folder = folder
        self.home = home
        self.library: Store = library or EmbeddedStore(home, writable=True)
        self.extraction = Extraction()
        self.others: dict[str, Extraction] = {}
        self.events: list[Event] = []
        self.indexer = Indexer(
            self.library,
            lambda name: self.others.get(name, self.extraction),  # type: ignore[arg-type,return-value]
            settings,
            self.events.append,
            apart=[str(home.root)],
        )
        self.library.put_folder(Folder(str(folder), added=time.time()))

    def put(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def start_on_old_files(self) -> None:
        """Start the indexer once no file is so fresh that it may still be being written."""
        time.sleep(SETTLE_WATCHED + 0.1)
        self.indexer.start()

    def photo(self, path: Path | str) -> Photo | None:
        return self.library.by_path([str(path)]).get(str(path))

    def names(self) -> list[str]:
        return sorted(os.path.relpath(photo.path, self.folder) for photo in self.library.select())

    def embedding(self, path: Path | str) -> np.ndarray | None:
        photo = self.photo(path)
        if photo is None or SPACE not in photo.spaces:
            return None
        (is_there,), (embedding,) = self.library.embeddings(SPACE, [photo.content])
        return embedding if is_there else None

    def has(self, path: Path | str, data: bytes) -> bool:
        embedding = self.embedding(path)
        return embedding is not None and bool(np.allclose(embedding, embedding_of(data), atol=1e-2))

    def index(self) -> Any:
        return self.indexer.index(self.library.folders())


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is true."""
    wait_until(true, seconds=seconds)
