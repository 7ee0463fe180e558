"""Photos that were removed lately: one whose content turns up elsewhere has only moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from photofind.model.records import Photo

__all__ = ["Departed"]

_MOST = 50_000


class Departed:
    """Photos that were removed from the library, by content; the oldest are forgotten.

    Their embeddings can be had from the store until it reclaims them; then :meth:`clear` is called.
    """

    def __init__(self) -> None:
        self._photos: dict[str, list[Photo]] = {}
        self._contents: defaultdict[int, set[str]] = defaultdict(set)

    def add(self, photos: Iterable[Photo]) -> None:
        """Take in photos that were removed."""
        for photo in photos:
            if photo.content and not photo.preliminary:
                self._photos.setdefault(photo.content, []).append(photo)
                self._contents[photo.size].add(photo.content)
        while len(self._photos) > _MOST:
            content, photos = next(iter(self._photos.items()))
            self._forget(content, photos[0].size)

    def contents(self, size: int, space: str) -> set[str]:
        """Return the contents of a size, in bytes, that had an embedding in a space.

        Those without a fingerprint are left out: they are to be decoded again.
        """
        return {
            content
            for content in self._contents.get(size, ())
            if any(
                space in photo.spaces and photo.fingerprint is not None
                for photo in self._photos[content]
            )
        }

    def get(self, content: str, space: str) -> Photo | None:
        """Return a photo with a content that had an embedding in a space."""
        photos = self._photos.get(content, ())
        return next((photo for photo in photos if space in photo.spaces), None)

    def take(self, content: str) -> Photo | None:
        """Return a photo with a content that has turned up, and forget it."""
        photos = self._photos.get(content)
        if not photos:
            return None
        photo = photos.pop()
        if not photos:
            self._forget(content, photo.size)
        return photo

    def lose_embedding(self, content: str, space: str) -> None:
        """Note that the store has no embedding of a content in a space any more."""
        photos = self._photos.get(content, [])
        photos[:] = [photo.without_space(space) for photo in photos]

    def clear(self) -> None:
        """Forget all of them."""
        self._photos.clear()
        self._contents.clear()

    def _forget(self, content: str, size: int) -> None:
        del self._photos[content]
        self._contents[size].discard(content)
