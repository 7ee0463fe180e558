"""Where files are, as the library keeps it: an origin, and a folder and a name as bytes."""

from __future__ import annotations

from typing import NamedTuple

from photofind.library import locations

__all__ = ["Location", "Locations", "decoded", "encoded"]


class Location(NamedTuple):
    """A place in a tree of files: ``machine`` or ``share:name``, folder and name, as bytes."""

    origin: str
    folder: bytes
    name: bytes


class Locations(locations.Locations):
    """Knows the paths of one machine, and what the library keeps of them."""

    def location(self, path: str) -> Location:
        """Return the location of a file."""
        origin, plain = self.tree(path)
        folder, slash, name = plain.rpartition("/")
        return Location(origin, encoded(folder or slash), encoded(name))

    def path(self, origin: str, folder: bytes, name: bytes = b"") -> str:
        """Return the path on this machine of a file, or of a folder where there is no name."""
        top = decoded(folder)
        return self.path_of(origin, f"{top.rstrip('/')}/{decoded(name)}" if name else top)


def encoded(text: str) -> bytes:
    """Return a path as bytes, whatever it is made of: lone surrogates stay what they are."""
    return text.encode("utf-8", "surrogatepass")


def decoded(raw: bytes) -> str:
    """Return the path that :func:`encoded` made bytes of."""
    return bytes(raw).decode("utf-8", "surrogatepass")
