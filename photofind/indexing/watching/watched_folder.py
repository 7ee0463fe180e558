"""Which files of an added folder belong to it: all that are not left out, and do not lie apart."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache

from photofind.images.formats import is_photo
from photofind.indexing.excludes import Rules
from photofind.paths import is_below

__all__ = ["WatchedFolder", "is_relevant", "is_sidecar"]


class WatchedFolder:
    """An added folder as it is watched.

    Parameters
    ----------
    folder
        Its absolute path as it was given.
    real
        The same without links.
    rules
        What is left out of it.
    apart
        Real paths of what does not belong to it even where it lies inside: photofind's own home,
        and other added folders.
    """

    def __init__(self, folder: str, real: str, rules: Rules, apart: Iterable[str]) -> None:
        self.folder = folder
        self.real = real
        self.rules = rules
        self.apart = frozenset(apart) - {real}
        self.inside = frozenset(path for path in self.apart if is_below(path, real))
        self._prefix = folder.rstrip(os.sep) + os.sep
        # Several events in a row are about the same path.
        self._excludes = lru_cache(4096)(self._match)

    @property
    def added(self) -> frozenset[str]:
        """Real paths of this and what lies apart."""
        return self.apart | {self.real}

    def is_like(self, other: WatchedFolder) -> bool:
        """Return whether the same files belong to both."""
        return (self.folder, self.real, self.rules, self.inside) == (
            (other.folder, other.real, other.rules, other.inside)
        )

    def path(self, relative: str) -> str:
        """Return the path of something in the folder, spelled as the folder was given."""
        return self._prefix + relative if relative else self.folder

    def excludes(self, path: str, *, is_folder: bool) -> bool:
        """Return whether ``path`` is left out, given that the folders above it are not."""
        return self._excludes(path, is_folder)

    def holds(self, path: str, *, is_folder: bool = False) -> bool:
        """Return whether ``path``, spelled as the folder was given, belongs to it."""
        if path == self.folder:
            return True
        if not path.startswith(self._prefix):
            return False
        if self.inside:
            real = os.path.join(self.real, path[len(self._prefix) :])  # noqa: PTH118
            if any(is_below(real, place) for place in self.inside):
                return False
        parent = os.path.dirname(path)  # noqa: PTH120 (many of these)
        while len(parent) > len(self._prefix):
            if self.excludes(parent, is_folder=True):
                return False
            parent = os.path.dirname(parent)  # noqa: PTH120
        return not self.excludes(path, is_folder=is_folder)

    def _match(self, path: str, is_folder: bool) -> bool:
        relative = path[len(self._prefix) :]
        return bool(relative) and self.rules.exclude(relative, is_folder=is_folder)


def is_relevant(name: str) -> bool:
    """Return whether a file of this name is a photo or a sidecar."""
    return is_photo(name) or is_sidecar(name)


def is_sidecar(name: str) -> bool:
    """Return whether a file of this name is an XMP sidecar."""
    return name[-4:].lower() == ".xmp"
