"""A store under test, and what its checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from photofind.errors import PhotofindError
from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.testing.subject import CheckFailedError

__all__ = [
    "DIMENSION",
    "SPACE",
    "OpenStore",
    "StoreCheck",
    "StoreSubject",
    "embedding",
    "paths",
    "put",
    "refused",
    "require",
    "require_close",
    "require_equal",
    "require_raises",
]

DIMENSION = 16
SPACE = "mobilenet@1"

Array32 = npt.NDArray[np.float32]


class OpenStore(Protocol):
    """Opens the store that a folder, or whatever an engine has in its place, belongs to."""

    def __call__(self, folder: Path, /, *, writable: bool) -> Store:
        """Open it for reading, or for writing too."""
        ...


class StoreSubject:
    """A store under test: an empty library, opened as often as a check needs.

    Parameters
    ----------
    open_store
        Opens the library of a folder. The same folder is the same library.
    folder
        An empty folder, used for nothing else.
    lasting
        Whether a library is still there after all openings of it were closed.
    graphs
        Whether the engine builds graphs; trying one takes half a minute.
    """

    def __init__(
        self, open_store: OpenStore, folder: Path, *, lasting: bool = True, graphs: bool = False
    ) -> None:
        self._open_store = open_store
        self._folder = folder
        self.lasting = lasting
        self.graphs = graphs

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Open the library for reading, until the end of the context."""
        with self._open_store(self._folder, writable=False) as store:
            yield store

    @contextmanager
    def writing(self, *, space: bool = True) -> Iterator[Store]:
        """Open the library for writing, until the end of the context.

        Parameters
        ----------
        space
            Whether to open the space ``SPACE`` in it.
        """
        with self._open_store(self._folder, writable=True) as store:
            if space:
                store.open_space("mobilenet", "1", DIMENSION)
            yield store


StoreCheck = Callable[[StoreSubject], None]


def embedding(content: str) -> Array32:
    """Return the embedding of a content: exact in float16, and another for each content."""
    random = np.random.default_rng(list(content.encode()))
    return random.integers(-99, 99, DIMENSION).astype(np.float32)


def put(store: Store, *names: str, space: str = SPACE) -> list[Photo]:
    """Commit a photo for each name, whose content is the name up to a dot."""
    photos = [Photo(path=f"/photos/{name}", content=name.split(".")[0]) for name in names]
    return store.commit(photos, space, {one.content: embedding(one.content) for one in photos})


def refused(photo: Photo, **reasons: str) -> Photo:
    """Return a photo that extractors refused, by their names."""
    return replace(photo, refusals={f"{name}@1": reason for name, reason in reasons.items()})


def paths(photos: Iterator[Photo] | Sequence[Photo]) -> list[str]:
    """Return the paths of photos."""
    return [photo.path for photo in photos]


def require(kept: bool | np.bool, otherwise: str) -> None:
    """Fail a check where a promise is not kept."""
    if not kept:
        raise CheckFailedError(otherwise)


def require_equal(found: object, expected: object, what: str) -> None:
    """Fail a check where two values differ."""
    require(found == expected, f"{what}: {found!r} instead of {expected!r}")


def require_close(found: npt.ArrayLike, expected: npt.ArrayLike, what: str) -> None:
    """Fail a check where two arrays differ by more than rounding."""
    left, right = np.asarray(found), np.asarray(expected)
    require_equal(left.shape, right.shape, f"the shape of {what}")
    worst = float(np.abs(left - right).max(initial=0))
    require(worst <= 1e-3, f"{what} differ by up to {worst:.4f}")


@contextmanager
def require_raises(kind: type[PhotofindError], what: str) -> Iterator[None]:
    """Fail a check where the block does not raise an error of this kind."""
    try:
        yield
    except kind:
        return
    raise CheckFailedError(f"{what} raised no {kind.__name__}")
