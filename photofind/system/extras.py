"""What the extras of the distribution bring, and what to say where one is wanted."""

from __future__ import annotations

from importlib.util import find_spec

from photofind.errors import PhotofindError

__all__ = ["require_extra"]

_BROUGHT = {
    "evaluate": {"matplotlib": "matplotlib"},
    "keras": {"keras": "Keras", "tensorflow": "TensorFlow"},
}


def require_extra(extra: str, wanted_by: str, error: type[PhotofindError]) -> None:
    """Raise if a package of an extra is not installed; none is imported.

    Parameters
    ----------
    extra
        ``"evaluate"`` or ``"keras"``.
    wanted_by
        What needs it, the subject of a sentence.
    error
        What is raised. It names what is missing, and says what installs it.
    """
    missing = [name for package, name in _BROUGHT[extra].items() if find_spec(package) is None]
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        raise error(
            f"{wanted_by} needs {' and '.join(missing)}, which {verb} not installed",
            f'install what is missing with `photofind plugins install "photofind[{extra}]"`',
        )
