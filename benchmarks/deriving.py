"""The time in which a derived extractor takes over a library, beside reading it again.

Fills a library with made embeddings of MobileNet, and has a head of two layers (1280 to 256 to 64)
derive its own from them, in its worker, committed as indexing commits them; then the space of two
extractors together.

    python benchmarks/deriving.py --photos 100000
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import megabytes, megabytes_of_children, print_figures, print_table

from photofind.extractors.derived import DerivableExtraction
from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.store import Store
from photofind.model.records import Folder, Photo
from photofind.paths import Home

BATCH = 10_000
OTHER, DIMENSION = "other", 1280
HEAD = """
import numpy as np


class Head:
    name = "head"
    version = "1"
    protocol = 1
    dimension = 64
    derives_from = "mobilenet"

    def __init__(self):
        random = np.random.default_rng(0)
        self._first = random.standard_normal((1280, 256), np.float32)
        self._second = random.standard_normal((256, 64), np.float32)

    def embed_embeddings(self, embeddings):
        return np.maximum(embeddings @ self._first, 0) @ self._second
"""


class Other:
    """A second extractor, which has embedded all photos too."""

    def info(self) -> Any:
        from photofind.extractors.info import ExtractorInfo

        return ExtractorInfo(OTHER, "1", DIMENSION, (1, 1), "")


def install_head(folder: Path) -> None:
    """Make the head an installed extractor of this process and its children."""
    metadata = folder / "head-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: head\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[photofind.extractors]\nhead = head:Head\n")
    (folder / "head.py").write_text(HEAD)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)


def fill(store: Store, count: int, spaces: list[str]) -> None:
    """Put photos into the library, with made embeddings in some spaces."""
    store.put_folder(Folder("/photos", added=0.0))
    random = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        photos = [
            Photo(f"/photos/{n // 500}/IMG_{n:06}.jpg", 10**6 + n, n, n, f"{n:040x}", width=4000)
            for n in numbers
        ]
        for space in spaces:
            vectors = np.abs(random.standard_normal((len(numbers), DIMENSION), np.float32))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            photos = store.commit(
                photos, space, {p.content: v for p, v in zip(photos, vectors, strict=True)}
            )


def processor_seconds() -> float:
    """Return the processor time of this process and its workers so far."""
    me = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (me, *me.children()))


def take_over(queues: ExtractorQueues) -> tuple[int, float, float]:
    """Derive all there is to derive; return photos, seconds, and processor time."""
    photos, spent, began = 0, processor_seconds(), time.perf_counter()
    while deriver := queues.deriver:
        photos += len(deriver.step())
    return photos, time.perf_counter() - began, processor_seconds() - spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100_000)
    count = parser.parse_args().photos
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        install_head(Path(temporary, "plugins"))
        home = Home(Path(temporary, "home"))
        with (
            EmbeddedStore(home, writable=True) as store,
            DerivableExtraction("mobilenet", home=home) as mobilenet,
            DerivableExtraction("head", home=home, bases=lambda name: mobilenet) as head,
        ):
            base = mobilenet.info()
            spaces = [store.open_space("mobilenet", base.version, DIMENSION, base.build)]
            spaces.append(store.open_space(OTHER, "1", DIMENSION))
            fill(store, count, [space.id for space in spaces])
            extractors = {"mobilenet": mobilenet, "head": head, OTHER: Other()}
            queues = ExtractorQueues(
                store,
                extractors.__getitem__,  # type: ignore[arg-type]
                lambda extraction, space, made_by: None,  # type: ignore[arg-type,return-value]
                print,
            )
            for what, names, together in (
                ("head", ["head"], {"head": 1.0}),
                ("mobilenet,other", ["mobilenet", OTHER], {"mobilenet": 1.0, OTHER: 1.0}),
            ):
                before = store.bytes
                began = time.perf_counter()
                queues.open(names, again=True, together=together)
                started = time.perf_counter() - began
                photos, seconds, spent = take_over(queues)
                assert photos == count
                rows.append(
                    [
                        what,
                        round(started, 1),
                        round(seconds, 1),
                        round(spent, 1),
                        round(photos / spent),
                        round((store.bytes - before) / 1e6),
                        round(megabytes()),
                        round(megabytes_of_children()),
                    ]
                )
    columns = ["space", "start, s", "take-over, s", "of processor, s", "photos/s of it"]
    columns += ["disk, MB", "memory, MB", "worker, MB"]
    print_table(columns, rows)
    print_figures("deriving", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
