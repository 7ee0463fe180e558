"""Commits photos until it is killed: ``python committing.py ADDRESS NAME``, in the default home."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.library.stores import open_store
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.settings import Settings

__all__ = ["SPACE", "TOGETHER", "batch", "commit_until_done", "embedding", "faults"]

TOGETHER = 5
DIMENSION = 16
SPACE = "mobilenet@1"


def embedding(content: str) -> np.ndarray:
    """Return the embedding of a content, exact in float16."""
    random = np.random.default_rng(list(content.encode()))
    return random.integers(-99, 99, DIMENSION).astype(np.float32)


def batch(name: str, number: int) -> list[Photo]:
    """Return photos that are committed together."""
    return [
        Photo(f"/photos/{name}/{number}/{place}.jpg", content=f"{name}-{number}-{place}")
        for place in range(TOGETHER)
    ]


def commit_until_done(store: Store, name: str, numbers: Iterator[int]) -> int:
    """Commit batches; try one again that failed. Return how many times that was so."""
    failures = 0
    for number in numbers:
        photos = batch(name, number)
        embeddings = {photo.content: embedding(photo.content) for photo in photos}
        while True:
            try:
                store.commit(photos, SPACE, embeddings)
            except LibraryError:
                failures += 1
                time.sleep(0.05)
            else:
                break
    return failures


def faults(store: Store) -> list[str]:
    """Return what is wrong with a library of such batches."""
    together: dict[str, int] = {}
    photos = [*store.select()]
    for photo in photos:
        folder = photo.path.rpartition("/")[0]
        together[folder] = together.get(folder, 0) + 1
    found = [f"{folder} has {n} photos" for folder, n in together.items() if n != TOGETHER]
    found += [f"{photo.path} has no embedding" for photo in photos if photo.spaces != (SPACE,)]
    contents = [photo.content for photo in photos]
    has, vectors = store.embeddings(SPACE, contents)
    for content, known, vector in zip(contents, has, vectors, strict=True):
        if not known or vector.tolist() != embedding(content).tolist():
            found.append(f"the embedding of {content} is another")
    if len({photo.path for photo in photos}) != len(photos):
        found.append("a path has two photos")
    return found


def main() -> None:
    address, name = sys.argv[1:]
    store = open_store(Home.default(), Settings(store=address), writable=True)
    store.open_space("mobilenet", "1", DIMENSION)
    print("ready", flush=True)
    number = 0
    while True:
        commit_until_done(store, name, iter([number]))
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main()
