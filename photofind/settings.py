"""The settings, in one TOML file with one line per setting.

``photofind config`` lists, reads and writes them; the rest of photofind gets a :class:`Settings`.
A setting that is not in the file has its default.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.errors import SettingsError
from photofind.model.settings import Setting
from photofind.paths import write_atomically
from photofind.system.disk import explained

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["Setting", "Settings", "list_settings", "load_settings", "reset_setting", "set_setting"]

_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of text items",
}

_LARGEST = 2**31 - 1
"""The largest whole number that everything which takes one can take."""


def _setting(
    default: Any,
    help: str,  # noqa: A002
    minimum: float | None = None,
    maximum: float = float("inf"),
    choices: tuple[str, ...] = (),
) -> Any:
    metadata = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Every setting with its default and its help text."""

    extractor: str = _setting(
        "mobilenet", "extractor that compares photos; several, separated by commas, are combined"
    )
    also: tuple[str, ...] = _setting((), "more extractors that embed the photos")
    store: str = _setting(
        "embedded",
        "the engine that keeps the library: embedded, or the address of another, read at the start",
    )
    hits: int = _setting(20, "number of hits in an answer", 1)
    min_score: float = _setting(0.0, "lowest score of a hit, 0 to 1", 0)
    exclude: tuple[str, ...] = _setting(
        (), "files and folders to ignore everywhere, in gitignore syntax"
    )
    max_megapixels: float = _setting(250.0, "photos with more megapixels are not decoded", 1)
    max_megabytes: float = _setting(1024.0, "files larger than this, in MB, are not read", 1)
    max_seconds: float = _setting(60.0, "longest time to read one photo, in seconds", 1)
    threads: int = _setting(0, "threads that decode and embed; 0 means one per core", 0)
    worker_megabytes: float = _setting(
        3000.0, "a worker that uses more memory than this, in MB, is restarted", 100
    )
    idle_minutes: float = _setting(3.0, "idle workers end after this many minutes", 0.1)
    previews: bool = _setting(
        True, "embed the thumbnails inside new photos first, which is much faster"
    )
    backlog_on_battery: bool = _setting(
        False, "index many new photos on battery too; a few are always indexed"
    )
    poll_seconds: float = _setting(
        60.0, "seconds between two scans of a network share; longer if a scan is slow", 1
    )
    max_connections: int = _setting(
        256, "most connections to the daemon at a time, from its next start", 32, 4096
    )
    autostart_daemon: bool = _setting(True, "commands start the daemon if it is not running")
    notifications: bool = _setting(
        True, "show desktop notifications: first indexing done, drive gone, problems"
    )
    log_level: str = _setting(
        "info",
        "detail of the daemon's log from its next start: debug, info, warning or error",
        choices=("debug", "info", "warning", "error"),
    )


def load_settings(path: Path) -> Settings:
    """Return the settings in ``path``, or the defaults if there is no file.

    Raises
    ------
    SettingsError
        If the file is not TOML, or holds an unknown setting or an invalid value.
    """
    written = _read(path)
    try:
        return replace(Settings(), **{k: _validated(k, v) for k, v in written.items()})
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.message}", error.hint) from None


def list_settings(path: Path) -> list[Setting]:
    """Return every setting with its value in ``path``, in the order of :class:`Settings`."""
    settings, defaults = load_settings(path), Settings()
    return [
        Setting(f.name, getattr(settings, f.name), getattr(defaults, f.name), f.metadata["help"])
        for f in fields(Settings)
    ]


def set_setting(path: Path, name: str, value: str) -> Any:
    """Write the typed ``value`` of the setting ``name``; return it converted to its type.

    Comments and order in the file are kept. A list is typed as its items, separated by commas or
    line breaks.

    Raises
    ------
    SettingsError
        If there is no such setting or the value is invalid.
    LibraryError
        If the file cannot be written; it is unchanged.
    """
    parsed = _validated(name, _parse(name, value))
    document = _document(path)
    document[name] = list(parsed) if isinstance(parsed, tuple) else parsed
    _write(path, document)
    return parsed


def reset_setting(path: Path, name: str) -> Any:
    """Remove the setting ``name`` from the file; return its default.

    Raises
    ------
    SettingsError
        If there is no such setting.
    LibraryError
        If the file cannot be written; it is unchanged.
    """
    default = _field(name).default
    document = _document(path)
    if name in document:
        del document[name]
        _write(path, document)
    return default


def _document(path: Path) -> TOMLDocument:
    """Return the file, with its comments and order, to be changed and written back."""
    import tomlkit

    _read(path)  # Raises if the file is invalid.
    return tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()


def _write(path: Path, document: TOMLDocument) -> None:
    with explained(path):
        write_atomically(path, document.as_string().encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:  # ValueError: also for numbers beyond all bounds.
        raise SettingsError(
            f"{path} is not TOML: {error}", "correct the file or delete it"
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", "check the permissions of the file"
        ) from None


def _field(name: str) -> Any:
    for candidate in fields(Settings):
        if candidate.name == name:
            return candidate
    names = ", ".join(f.name for f in fields(Settings))
    raise SettingsError(f"there is no setting {name!r}", f"the settings are: {names}")


def _validated(name: str, value: Any) -> Any:
    setting = _field(name)
    expected = type(setting.default)
    if expected is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= _LARGEST else float("inf")
    if type(value) is not expected:
        raise SettingsError(f"{name} cannot be {value!r}", f"it must be {_TYPE_NAMES[expected]}")
    choices = setting.metadata["choices"]
    if choices and value not in choices:
        raise SettingsError(
            f"{name} cannot be {value!r}", f"it must be one of {', '.join(choices)}"
        )
    if expected is int and abs(value) > _LARGEST:
        raise SettingsError(f"{name} is too large", f"it must be {_LARGEST:,} or less")
    minimum = setting.metadata["minimum"]
    if minimum is not None and not minimum <= value < float("inf"):
        raise SettingsError(f"{name} cannot be {value}", f"it must be {minimum:g} or more")
    if minimum is not None and value > setting.metadata["maximum"]:
        most = setting.metadata["maximum"]
        raise SettingsError(f"{name} cannot be {value}", f"it must be {most:g} or less")
    return value


def _parse(name: str, text: str) -> Any:
    expected = type(_field(name).default)
    if expected is tuple:
        return [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]
    if expected is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if expected in (int, float):
        try:
            return expected(text)
        except ValueError:
            return text
    return text
