"""Where files are, told so that all machines that share a library mean the same.

A place has an *origin*, a machine or a share that several machines mount, and a path there with
slashes. Paths of the machine that asks are as they are there; those of others, such as
``/home/bob/a.jpg`` of ``attic``, are ``/@attic/home/bob/a.jpg``, where no file is.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from photofind.errors import LibraryError

__all__ = ["Locations", "Machine", "machine_of"]

_ELSEWHERE = "/@"
_SHARE = "share:"  # No machine is called so.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Machine:
    """Who shares a library, and where.

    Parameters
    ----------
    name
        What this machine is called in the library.
    shares
        Where it mounts shares, by their names, which are the same on all machines.
    user
        Who looks after the folders that are added here.
    """

    name: str
    shares: Mapping[str, str] = field(default_factory=dict)
    user: str = "user"

    @property
    def watcher(self) -> str:
        """Who looks after folders: a user of a machine."""
        return f"{self.user}@{self.name}"


def machine_of(options: Iterable[tuple[str, str]]) -> Machine:
    """Return what the options ``machine`` and ``share`` of an address say; others are left alone.

    Raises
    ------
    LibraryError
        A name or a folder cannot be one.
    """
    name = ""
    shares: dict[str, str] = {}
    for option, value in options:
        if option == "machine":
            name = value
        elif option == "share":
            share, _, mount = value.partition(":")
            if not _NAME.fullmatch(share) or not os.path.isabs(mount):  # noqa: PTH117
                raise LibraryError(
                    f"share={value} does not say where a share is mounted",
                    "it is like share=nas:/mnt/nas, with the same name on every machine",
                )
            shares[share] = os.path.normpath(mount)
    name = name or platform.node() or "localhost"
    if not _NAME.fullmatch(name):
        raise LibraryError(
            f"this machine cannot be called {name!r} in a library",
            "add machine=NAME to the address, of letters, digits, dots and dashes",
        )
    return Machine(name, shares, _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # It has no name.
        return "user"


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
        self.machine = machine
        # The innermost one first: shares may be mounted within others.
        plain = {
            f"{_SHARE}{name}": _plain(mount).rstrip("/") or "/" for name, mount in shares.items()
        }
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
