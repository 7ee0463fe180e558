"""Where files are, told so that all machines that share a library mean the same.

A place has an *origin*, a machine or a share that several machines mount, and a path there with
slashes. Paths of the machine that asks are as they are there; those of others, such as
``/home/bob/a.jpg`` of ``attic``, are ``/@attic/home/bob/a.jpg``, where no file is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["Locations"]

_ELSEWHERE = "/@"


class Locations:
    """Knows the paths of one machine.

    Parameters
    ----------
    machine
        Its name.
    mounts
        Where shares are mounted on it, by their origins.
    """

    def __init__(self, machine: str, mounts: Mapping[str, str]) -> None:
        self.machine = machine
        # The innermost one first: shares may be mounted within others.
        plain = {origin: _plain(mount).rstrip("/") or "/" for origin, mount in mounts.items()}
        self._mounts = dict(sorted(plain.items(), key=lambda item: -len(item[1])))

    def tree(self, path: str) -> tuple[str, str]:
        """Return the origin of a path of this machine, and the path there."""
        if path.startswith(_ELSEWHERE):
            origin, _, rest = path[len(_ELSEWHERE) :].partition("/")
            return origin, f"/{rest}"
        path = _plain(path)
        for origin, mount in self._mounts.items():
            if _is_below(path, mount):
                return origin, path[len(mount.rstrip("/")) :] or "/"
        return self.machine, path

    def path_of(self, origin: str, plain: str) -> str:
        """Return the path that this machine has for a place."""
        if origin == self.machine:
            return _native(plain)
        mount = self._mounts.get(origin)
        if mount is None:
            return f"{_ELSEWHERE}{origin}{plain if plain.startswith('/') else f'/{plain}'}"
        return _native(f"{mount.rstrip('/')}{plain}" if plain != "/" else mount)

    def is_here(self, origin: str) -> bool:
        """Return whether the files of an origin can be read on this machine."""
        return origin == self.machine or origin in self._mounts

    def below(self, folder: str) -> list[tuple[str, str]]:
        """Return the origin and path of a folder of this machine, and of the shares within it."""
        plain = _plain(folder)
        within = [
            (origin, "/") for origin, mount in self._mounts.items() if _is_below(mount, plain)
        ]
        return [*dict.fromkeys([self.tree(folder), *within])]


def _is_below(path: str, folder: str) -> bool:
    """Return whether a path with slashes is a folder or below it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _plain(path: str) -> str:
    return path.replace("\\", "/") if os.sep == "\\" else path


def _native(path: str) -> str:
    return path.replace("/", "\\") if os.sep == "\\" else path
