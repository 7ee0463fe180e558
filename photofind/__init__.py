"""photofind: show me the photos like this one.

The one object to use from Python is :class:`photofind.photofind.PhotoFind`.
"""

from importlib.metadata import version

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Read on demand: metadata look-ups cost more than the rest of the import.
    if name == "__version__":
        return version("photofind")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
