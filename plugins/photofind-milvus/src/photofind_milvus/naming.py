"""How paths of several machines stand in one library.

A path is kept as one text, its origin first: the name of the machine, or of a share that several
machines mount. :class:`photofind.library.locations.Locations` says what a machine has for it.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from photofind.library.locations import Locations, Machine

__all__ = ["Naming"]


class Naming:
    """Turns paths of this machine into those that the library keeps, and back.

    Kept paths are of few ASCII characters, so that they need no quoting in expressions, and each
    begins as its folder does.

    Parameters
    ----------
    machine
        This one.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._locations = Locations(machine.name, machine.shares)

    def kept(self, path: str) -> str:
        """Return the path that the library keeps for one of this machine."""
        return _kept(*self._locations.tree(path))

    def shown(self, kept: str) -> str:
        """Return the path that this machine has for one that the library keeps."""
        origin, _, encoded = kept.rpartition(":")
        plain = unquote_to_bytes(encoded).decode("utf-8", "surrogatepass")
        return self._locations.path_of(origin, plain)

    def is_here(self, kept: str) -> bool:
        """Return whether the file at a path that the library keeps can be read on this machine."""
        return self._locations.is_here(kept.rpartition(":")[0])

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
        places = {_kept(*place).rstrip("/") for place in self._locations.below(folder)}
        return [(place, place + "/") for place in sorted(places)]


def _kept(origin: str, plain: str) -> str:
    # Without a colon, which ends the origin.
    encoded = quote(plain.encode("utf-8", "surrogatepass"), safe="/ .,+-_~@()=")
    return f"{origin}:{encoded}"
