"""photofind: show me the photos like this one.

What is exported here is the stable Python API (docs/develop/public-api.md)::

    from photofind import Query, connect

    with connect() as photofind:
        answer = photofind.similar(Query(like=("/home/me/Pictures/beach.jpg",)))

Importing it is cheap: each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photofind.app.photofind import PhotoFind
    from photofind.daemon.client import connect
    from photofind.model import Query

    __version__: str

__all__ = ["PhotoFind", "Query", "__version__", "connect"]

_HOMES = {
    "PhotoFind": "photofind.app.photofind",
    "Query": "photofind.model",
    "connect": "photofind.daemon.client",
}
"""The modules of the exported names."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # Slower to import than all the rest.

        return version("photofind")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES, "__version__"]
