"""The settings, in one TOML file with one line per setting.

``photofind config`` lists, reads and writes them; the rest of photofind gets a :class:`Settings`.
A setting that is not in the file has its default. So has one that cannot be used: it is a
:class:`Fault`, and the others hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from photofind.errors import ExtractorError, SettingsError
from photofind.model.exclude_rules import MOST_RULES, check_rules, is_rule, quoted
from photofind.model.extractor_choice import parse_extractors
from photofind.model.settings import Setting
from photofind.paths import write_atomically
from photofind.system.disk import explain_disk_errors
from photofind.system.toml_entries import Entry, read_entries, with_value, written

__all__ = [
    "PAGE_SETTINGS",
    "Fault",
    "Setting",
    "Settings",
    "SettingsFile",
    "list_settings",
    "load_settings",
    "read_settings",
    "repair_settings",
    "reset_setting",
    "set_setting",
]

_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of text items",
}

_LONGEST_TEXT = 1000
PAGE_SETTINGS = frozenset({"theme", "feedback", "metric"})
"""The settings by which nothing works but the page, when it is loaded, and the next answer."""

_LARGEST_FILE = 2**20
"""Bytes of a settings file; one with all settings has some thousand."""


def _setting(
    default: Any,
    help: str,  # noqa: A002
    minimum: float | None = None,
    maximum: float | None = None,
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
    hits: int = _setting(20, "number of hits in an answer", 1, 10_000)
    min_score: float = _setting(0.0, "lowest score of a hit, 0 to 1", 0, 1)
    feedback: bool = _setting(
        True, "what was judged for a query ranks its hits when the same is asked again"
    )
    metric: bool = _setting(
        True, "the metric that is learned from judgements ranks hits too, if it proved itself"
    )
    exclude: tuple[str, ...] = _setting(
        (), "files and folders to ignore everywhere, in gitignore syntax"
    )
    max_megapixels: float = _setting(
        250.0, "photos with more are not decoded, in megapixels", 1, 10_000
    )
    max_megabytes: float = _setting(1024.0, "larger files are not read, in MB", 1, 100_000)
    max_seconds: float = _setting(
        60.0,
        "processor time for a photo of 45 megapixels, in seconds: less for small ones, more for"
        " large ones; a worker that hangs this long is ended",
        1,
        3600,
    )
    views: Literal["whole", "crops"] = _setting(
        "whole",
        "what is embedded of a photo: whole, or crops (its centre) too, which ranks fine detail"
        " better and takes twice as long",
        choices=("whole", "crops"),
    )
    threads: int = _setting(0, "threads that decode and embed; 0 means one per core", 0, 256)
    worker_megabytes: float = _setting(
        3000.0, "a worker that uses more memory than this, in MB, is restarted", 100, 1_000_000
    )
    idle_minutes: float = _setting(3.0, "idle workers end after this many minutes", 0.1, 10_080)
    previews: bool = _setting(
        True, "embed the thumbnails inside new photos first, which is much faster"
    )
    backlog_on_battery: bool = _setting(
        False, "index many new photos on battery too; a few are always indexed"
    )
    poll_seconds: float = _setting(
        60.0, "seconds between two scans of a network share; longer if a scan is slow", 1, 86_400
    )
    max_connections: int = _setting(
        256, "most connections to the daemon at a time, from its next start", 32, 4096
    )
    autostart_daemon: bool = _setting(True, "commands start the daemon if it is not running")
    notifications: bool = _setting(
        True, "show desktop notifications: first indexing done, drive gone, problems"
    )
    theme: str = _setting(
        "system",
        "colours of the page: system, light or dark",
        choices=("system", "light", "dark"),
    )
    log_level: str = _setting(
        "info",
        "detail of the daemon's log from its next start: debug, info, warning or error",
        choices=("debug", "info", "warning", "error"),
    )


@dataclass(frozen=True)
class Fault:
    """What cannot be used in the settings file and is left out.

    Parameters
    ----------
    message
        One line, with the name of the setting or the number of the line.
    name
        The setting; None if the entry has no name that is one.
    """

    message: str
    name: str | None = None


@dataclass(frozen=True)
class SettingsFile:
    """The settings of a file, and what cannot be used in it."""

    settings: Settings
    faults: tuple[Fault, ...] = ()


def read_settings(path: Path) -> SettingsFile:
    """Return the settings in ``path`` that can be used, and what cannot; no file has neither."""
    try:
        entries = _entries(path)
    except SettingsError as error:
        return SettingsFile(Settings(), (Fault(str(error)),))
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for entry, used, wrong in _examined(entries):
        faults += [Fault(f"{path}, line {entry.line}: {f.message}", f.name) for f in wrong]
        values |= used
    return SettingsFile(replace(Settings(), **values), tuple(faults))


def load_settings(path: Path) -> Settings:
    """Return the settings in ``path`` that can be used; all others have their defaults."""
    return read_settings(path).settings


def list_settings(path: Path) -> list[Setting]:
    """Return every setting with its value in ``path``, in the order of :class:`Settings`."""
    settings, defaults = load_settings(path), Settings()
    return [
        Setting(f.name, getattr(settings, f.name), getattr(defaults, f.name), f.metadata["help"])
        for f in fields(Settings)
    ]


def set_setting(path: Path, name: str, value: str) -> Any:
    """Write the typed ``value`` of the setting ``name``; return it converted to its type.

    Comments, order, and whatever cannot be used stay in the file. A list is typed as its items,
    separated by commas or line breaks.

    Raises
    ------
    SettingsError
        If there is no such setting or the value is invalid.
    LibraryError
        If the file cannot be written; it is unchanged.
    """
    parsed = _validated(name, _parse(name, value))
    plain = list(parsed) if isinstance(parsed, tuple) else parsed
    entries = _entries(path)
    places = [place for place, entry in enumerate(entries) if name in entry.values]
    if places:
        entries[places[-1]] = with_value(entries[places[-1]], name, plain)
    else:
        entries.append(with_value(None, name, plain))
    _write(path, [entry for place, entry in enumerate(entries) if place not in places[:-1]])
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
    entries = _entries(path)
    kept = [entry for entry in entries if name not in entry.values]
    if kept != entries:
        _write(path, kept)
    return default


def repair_settings(path: Path) -> None:
    """Turn what cannot be used in the file into comments; of a list, only the items go.

    Raises
    ------
    SettingsError
        If the file cannot be read.
    LibraryError
        If it cannot be written; it is unchanged.
    """
    repaired = []
    for entry, used, faults in _examined(_entries(path)):
        repaired.append(entry.as_comment() if faults else entry)
        if not faults:
            continue
        repaired += [
            with_value(None, name, list(value) if isinstance(value, tuple) else value)
            for name, value in used.items()
        ]
    _write(path, repaired)


def _entries(path: Path) -> list[Entry]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", "check the permissions of the file"
        ) from None
    if len(data) > _LARGEST_FILE:
        raise SettingsError(f"{path} is too large for settings", "correct the file or delete it")
    return read_entries(data)


def _write(path: Path, entries: list[Entry]) -> None:
    with explain_disk_errors(path):
        write_atomically(path, written(entries))


def _examined(entries: list[Entry]) -> Iterator[tuple[Entry, dict[str, Any], list[Fault]]]:
    """Yield each entry with its settings that can be used, and with what cannot."""
    last = {name: place for place, entry in enumerate(entries) for name in entry.values}
    for place, entry in enumerate(entries):
        used, faults = _usable(entry)
        again = [name for name in used if last[name] != place]
        for name in again:
            del used[name]
            faults.append(Fault(f"{name} is set again further down; that one counts", name))
        yield entry, used, faults


def _usable(entry: Entry) -> tuple[dict[str, Any], list[Fault]]:
    """Return the settings of an entry that can be used, and what cannot."""
    if entry.fault is not None:
        return {}, [Fault(f"it cannot be read as TOML: {entry.fault}")]
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in entry.values.items():
        try:
            values[name] = _validated(name, value)
        except SettingsError as error:
            faults.append(Fault(str(error), name))
            if name == "exclude" and isinstance(value, list):
                values[name] = tuple(filter(is_rule, value))[:MOST_RULES]
    return values, faults


def _field(name: str) -> Any:
    for candidate in fields(Settings):
        if candidate.name == name:
            return candidate
    raise SettingsError(f"there is no setting {quoted(name)}", "`photofind config` lists them all")


def _validated(name: str, value: Any) -> Any:
    setting, given = _field(name), value
    expected = type(setting.default)
    if expected is tuple and isinstance(value, list):
        value = tuple(value)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**53 else float("inf")
    texts = value if isinstance(value, tuple) else (value,) if expected is str else ()
    if type(value) is not expected or not all(isinstance(text, str) for text in texts):
        raise SettingsError(
            f"{name} cannot be {quoted(given)}", f"it must be {_TYPE_NAMES[expected]}"
        )
    _check_texts(name, texts)
    if name == "exclude":
        try:
            check_rules(texts)
        except SettingsError as error:
            raise SettingsError(f"{name}: {error.message}", error.hint) from None
    if name == "extractor":
        _check_extractors(value)
    choices = setting.metadata["choices"]
    if choices and value not in choices:
        raise SettingsError(
            f"{name} cannot be {quoted(value)}", f"it must be one of {', '.join(choices)}"
        )
    least, most = setting.metadata["minimum"], setting.metadata["maximum"]
    if least is not None and not least <= value <= most:
        raise SettingsError(
            f"{name} cannot be {quoted(value)}", f"it must be from {least:,} to {most:,}"
        )
    return value


def _check_extractors(choice: str) -> None:
    try:
        parse_extractors(choice)
    except ExtractorError as error:
        raise SettingsError(f"extractor cannot be {quoted(choice)}", error.hint) from None


def _check_texts(name: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        if len(text) > _LONGEST_TEXT:
            raise SettingsError(
                f"{name} is too long", f"write {_LONGEST_TEXT:,} characters or fewer"
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise SettingsError(f"{name} cannot be {quoted(text)}", "it must be UTF-8") from None


def _parse(name: str, text: str) -> Any:
    expected = type(_field(name).default)
    if expected is tuple:
        return [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]
    if expected is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if expected in (int, float):
        try:
            return expected(text)
        except ValueError:  # Also for numbers of more digits than Python reads.
            return text
    return text
