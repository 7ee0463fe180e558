"""How paths of several machines stand in one library.

A path is kept with its *root*: the name of the machine, or of a share that several machines mount.
A machine sees its own paths, and those of the shares that it mounts, as they are there; others
below ``/@NAME``, where no file can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote_to_bytes

from photofind.paths import is_below

__all__ = ["Naming"]

_ELSEWHERE = "/@"


class Naming:
    """Turns paths of this machine into those that the library keeps, and back.

    Kept paths are of few ASCII characters, so that they need no quoting in expressions, and each
    begins as its folder does.

    Parameters
    ----------
    machine
        The name of this machine.
    shares
        The names of shares, each with the folder where this machine mounts it.
    """

    def __init__(self, machine: str, shares: Sequence[tuple[str, str]] = ()) -> None:
        self.machine = machine
        # The innermost of two folders first.
        self._shares = sorted(shares, key=lambda share: -len(share[1]))

    def kept(self, path: str) -> str:
        """Return the path that the library keeps for one of this machine."""
        if path.startswith(_ELSEWHERE):
            root, _, rest = path[len(_ELSEWHERE) :].partition("/")
            return f"{root}:{_encoded('/' + rest)}"
        for name, folder in self._shares:
            if is_below(path, folder):
                return f"{name}:{_encoded(path[len(folder.rstrip('/')) :] or '/')}"
        return f"{self.machine}:{_encoded(path)}"

    def shown(self, kept: str) -> str:
        """Return the path that this machine has for one that the library keeps."""
        root, _, encoded = kept.partition(":")
        path = unquote_to_bytes(encoded).decode("utf-8", "surrogatepass")
        for name, folder in self._shares:
            if name == root:
                return folder if path == "/" else folder.rstrip("/") + path
        return path if root == self.machine else f"{_ELSEWHERE}{root}{path}"

    def is_elsewhere(self, path: str) -> bool:
        """Return whether a path of this machine stands for one that only others have."""
        return path.startswith(_ELSEWHERE)

    def below(self, folder: str) -> list[tuple[str, str]]:
        """Return the kept path of a folder, and of the shares in it, each as the first of a range.

        Returns
        -------
        list of tuple
            The folder itself, and what all paths below it begin with; nothing where every path
            is below it.
        """
        if folder.rstrip("/") == "":
            return []
        places = {self.kept(folder)}
        places.update(self.kept(mount) for _, mount in self._shares if is_below(mount, folder))
        return [(place.rstrip("/"), place.rstrip("/") + "/") for place in sorted(places)]


def _encoded(path: str) -> str:
    return quote(path.encode("utf-8", "surrogatepass"), safe="/ .,+-_~@()=:")
