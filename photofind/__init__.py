"""photofind: show me the photos like this one.

The one object to use from Python is :class:`photofind.app.photofind.PhotoFind`.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version  # Slower to import than all the rest.

        return version("photofind")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
