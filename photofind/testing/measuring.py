"""What an extractor costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from photofind.extractors.samples import photographs
from photofind.testing.subject import Subject

__all__ = ["Figures", "measure"]

_SPEED_SECONDS = 3.0


@dataclass(frozen=True)
class Figures:
    """The cost of an extractor.

    Parameters
    ----------
    load_seconds
        Time to create it and embed the first picture.
    pictures_per_second
        In batches of 16 that all differ, on one thread.
    megabytes
        Growth of the process since before it was loaded.
    dimension, bytes_per_photo
        The length of its embeddings, and the size of one on disk (float16).
    """

    load_seconds: float
    pictures_per_second: float
    megabytes: float
    dimension: int
    bytes_per_photo: int


def measure(subject: Subject) -> Figures:
    """Return the cost of an extractor; correct only in a process with nothing else loaded."""
    import psutil

    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    extractor = subject.make()
    pictures = photographs(extractor.input_size)
    extractor.embed(pictures[:1])
    load_seconds = time.perf_counter() - begin
    batch = np.concatenate([pictures, pictures[:, :, ::-1]])
    extractor.embed(batch)
    count, passed = 0, 0.0
    while passed < _SPEED_SECONDS:
        # Other pictures each time, so that no result can be remembered.
        batch = np.roll(batch, 1, axis=2) ^ np.uint8(count % 2)
        begin = time.perf_counter()
        extractor.embed(batch)
        passed += time.perf_counter() - begin
        count += len(batch)
    return Figures(
        load_seconds=round(load_seconds, 2),
        pictures_per_second=round(count / passed, 1),
        megabytes=round((psutil.Process().memory_info().rss - before) / 1e6, 1),
        dimension=extractor.dimension,
        bytes_per_photo=2 * extractor.dimension,
    )
