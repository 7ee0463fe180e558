"""What a person can change, in one TOML file with one line a setting.

``photofind config`` lists, reads and writes them; :class:`Settings` is what the rest of photofind
gets. A setting that is not in the file has its default.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.errors import SettingsError
from photofind.paths import write_atomically
from photofind.system.disk import explained

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["Setting", "Settings", "list_settings", "load_settings", "reset_setting", "set_setting"]

_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list of texts",
}


def _setting(
    default: Any,
    help: str,  # noqa: A002
    minimum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    metadata = {"help": help, "minimum": minimum, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; the help of each stands beside it."""

    extractor: str = _setting(
        "mobilenet", "the extractor that compares photos; several, with commas, compare together"
    )
    also: tuple[str, ...] = _setting((), "extractors that describe the photos too, beside that one")
    store: str = _setting(
        "embedded",
        "the engine that keeps the library: embedded, or the address of another, read at the start",
    )
    hits: int = _setting(20, "how many hits an answer has", 1)
    min_score: float = _setting(0.0, "hits below this score are left out (0 to 1)", 0)
    exclude: tuple[str, ...] = _setting(
        (), "files and folders to leave out everywhere, in gitignore syntax"
    )
    max_megapixels: float = _setting(250.0, "photos with more pixels are not decoded", 1)
    max_megabytes: float = _setting(1024.0, "larger files are not read", 1)
    max_seconds: float = _setting(60.0, "a photo that takes longer to read is given up", 1)
    threads: int = _setting(0, "threads that decode and embed; 0 is one a core", 0)
    worker_megabytes: float = _setting(
        3000.0, "a worker that holds more memory than this is started anew", 100
    )
    idle_minutes: float = _setting(3.0, "workers without work end after this long", 0.1)
    previews: bool = _setting(
        True, "look at the thumbnails inside a backlog of photos first, which is much faster"
    )
    backlog_on_battery: bool = _setting(
        False, "on battery, go on with a backlog; a few new photos are always read"
    )
    poll_seconds: float = _setting(
        60.0, "network shares are looked through this often, or less where that takes long", 1
    )
    autostart_daemon: bool = _setting(True, "commands start the daemon where it does not run")
    notifications: bool = _setting(
        True, "the desktop tells of a first indexing, drives that went away, and problems"
    )
    log_level: str = _setting(
        "info",
        "what the daemon writes to its log from its next start on: debug, info, warning or error",
        choices=("debug", "info", "warning", "error"),
    )


@dataclass(frozen=True)
class Setting:
    """One setting as it stands: ``value`` now, ``default``, what it is ``help`` for."""

    name: str
    value: Any
    default: Any
    help: str


def load_settings(path: Path) -> Settings:
    """Return the settings in ``path``; the defaults where there is no file.

    Raises
    ------
    SettingsError
        Where the file is not TOML, or holds a setting that does not exist or a value it
        cannot take.
    """
    written = _read(path)
    try:
        return replace(Settings(), **{k: _checked(k, v) for k, v in written.items()})
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.message}", error.hint) from None


def list_settings(path: Path) -> list[Setting]:
    """Return every setting with its value in ``path``, in the order of :class:`Settings`."""
    settings = load_settings(path)
    return [
        Setting(f.name, getattr(settings, f.name), f.default, f.metadata["help"])
        for f in fields(Settings)
    ]


def set_setting(path: Path, name: str, value: str) -> Any:
    """Write ``value``, as typed by a person, for the setting ``name``; return it as its type.

    Comments and order in the file stay as they are. A list is typed as its items, separated by
    commas or line breaks.

    Raises
    ------
    SettingsError
        Where there is no such setting or it cannot take the value.
    LibraryError
        Where the disk refuses; the file is as it was.
    """
    parsed = _checked(name, _parse(name, value))
    document = _document(path)
    document[name] = list(parsed) if isinstance(parsed, tuple) else parsed
    _write(path, document)
    return parsed


def reset_setting(path: Path, name: str) -> Any:
    """Take the setting ``name`` out of the file; return its default.

    Raises
    ------
    SettingsError
        Where there is no such setting.
    LibraryError
        Where the disk refuses; the file is as it was.
    """
    default = _field(name).default
    document = _document(path)
    if name in document:
        del document[name]
        _write(path, document)
    return default


def _document(path: Path) -> TOMLDocument:
    """Return the file with its comments and its order, to be changed and written back."""
    import tomlkit

    _read(path)  # Says what is wrong with it, where something is.
    return tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()


def _write(path: Path, document: TOMLDocument) -> None:
    with explained(path):
        write_atomically(path, document.as_string().encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}", "mend the file or remove it") from None
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", "give yourself the right to read it"
        ) from None


def _field(name: str) -> Any:
    for candidate in fields(Settings):
        if candidate.name == name:
            return candidate
    names = ", ".join(f.name for f in fields(Settings))
    raise SettingsError(f"there is no setting {name!r}", f"the settings are {names}")


def _checked(name: str, value: Any) -> Any:
    setting = _field(name)
    expected = type(setting.default)
    if expected is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not expected:
        raise SettingsError(f"{name} cannot be {value!r}", f"it takes {_TYPE_NAMES[expected]}")
    choices = setting.metadata["choices"]
    if choices and value not in choices:
        raise SettingsError(f"{name} cannot be {value!r}", f"it takes {', '.join(choices)}")
    minimum = setting.metadata["minimum"]
    if minimum is not None and not minimum <= value < float("inf"):
        raise SettingsError(f"{name} cannot be {value}", f"it takes {minimum:g} or more")
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
