"""Where files are, told so that all machines mean the same: by machine or share, and path.

Paths of the machine that asks are as they are there. A share has a name, and is mounted where each
machine says. A path of another machine, ``/home/bob/a.jpg`` of ``attic``, is
``/@attic/home/bob/a.jpg``, where no file is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Location", "Locations", "decoded", "encoded"]

_SHARE = "share:"
_ELSEWHERE = "/@"


class Location(NamedTuple):
    """A place in a tree of files: ``machine`` or ``share:name``, folder and name, as bytes."""

    origin: str
    folder: bytes
    name: bytes


class Locations:
    """Knows the paths of one machine.

    Parameters
    ----------
    machine
        Its name.
    shares
        Where shares are mounted on it, by their names.
    """

    def __init__(self, machine: str, shares: Mapping[str, str]) -> None:
        self._machine = machine
        # The innermost one first: shares may be mounted within others.
        mounts = {_SHARE + name: _plain(mount) for name, mount in shares.items()}
        self._mounts = dict(sorted(mounts.items(), key=lambda item: -len(item[1])))

    def tree(self, path: str) -> tuple[str, str]:
        """Return the machine or share of a path, and the path there, with slashes."""
        if path.startswith(_ELSEWHERE):
            origin, _, rest = path[len(_ELSEWHERE) :].partition("/")
            return origin, f"/{rest}"
        path = _plain(path)
        for origin, mount in self._mounts.items():
            if path == mount or path.startswith(f"{mount.rstrip('/')}/"):
                return origin, path[len(mount.rstrip("/")) :] or "/"
        return self._machine, path

    def location(self, path: str) -> Location:
        """Return the location of a file."""
        origin, plain = self.tree(path)
        folder, slash, name = plain.rpartition("/")
        return Location(origin, encoded(folder or slash), encoded(name))

    def path(self, origin: str, folder: bytes, name: bytes = b"") -> str:
        """Return the path on this machine of a file, or of a folder where there is no name."""
        top = decoded(folder)
        plain = f"{top.rstrip('/')}/{decoded(name)}" if name else top
        if origin == self._machine:
            return _native(plain)
        mount = self._mounts.get(origin)
        if mount is None:
            return f"{_ELSEWHERE}{origin}{plain if plain.startswith('/') else f'/{plain}'}"
        return _native(f"{mount.rstrip('/')}{plain}" if plain != "/" else mount)

    def is_here(self, origin: str) -> bool:
        """Return whether the files of a machine or share can be read on this machine."""
        return origin == self._machine or origin in self._mounts

    def below(self, folder: str) -> list[tuple[str, bytes]]:
        """Return the trees, with the path in each, that lie below a folder of this machine."""
        origin, plain = self.tree(folder)
        found = [(origin, encoded(plain))]
        if origin == self._machine:
            inside = f"{plain.rstrip('/')}/"
            found += [
                (one, b"/") for one, mount in self._mounts.items() if mount.startswith(inside)
            ]
        return found


def encoded(text: str) -> bytes:
    """Return a path as bytes, whatever it is made of: lone surrogates stay what they are."""
    return text.encode("utf-8", "surrogatepass")


def decoded(raw: bytes) -> str:
    """Return the path that :func:`encoded` made bytes of."""
    return bytes(raw).decode("utf-8", "surrogatepass")


def _plain(path: str) -> str:
    return path.replace("\\", "/") if os.sep == "\\" else path


def _native(path: str) -> str:
    return path.replace("/", "\\") if os.sep == "\\" else path
