"""The daemon's log: how it is written, and how it is read."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from photofind.paths import Home, open_private, private_folder
from photofind.system.terminal import shown

__all__ = ["log_file", "read_log", "set_up_logging"]

_BYTES = 1_000_000
_OLDER = 3
_FILE_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_STREAM_FORMAT = "%(levelname)s: %(message)s"
_LOOK = 0.25  # Seconds between two looks whether there are new lines.

_log = logging.getLogger(__name__)


def log_file(home: Home) -> Path:
    """Return the path of the daemon's log; older files end in ``.1`` to ``.3``."""
    return home.logs / "daemon.log"


def set_up_logging(home: Home, level: str) -> None:
    """Write what this process logs to the daemon's log, and to a terminal or systemd's journal.

    A log that cannot be written is done without: standard error takes its place.
    """
    handlers: list[logging.Handler] = []
    failure: OSError | None = None
    try:
        private_folder(home.logs)
        file = _PrivateFile(
            log_file(home),
            maxBytes=_BYTES,
            backupCount=_OLDER,
            encoding="utf-8",
            errors="backslashreplace",
        )
        file.setFormatter(_Formatter(_FILE_FORMAT))
        handlers.append(file)
    except OSError as error:
        failure = error
    if failure or _is_journal(2) or os.isatty(2):
        stream = logging.StreamHandler()
        stream.setFormatter(_JournalFormatter() if _is_journal(2) else _Formatter(_STREAM_FORMAT))
        handlers.append(stream)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    logging.captureWarnings(True)
    threading.excepthook = _log_failed_thread
    if failure:
        _log.warning("%s cannot be written: %s", log_file(home), failure)


def read_log(home: Home, count: int, *, follow: bool = False) -> Iterator[str]:
    """Yield the last ``count`` lines of the daemon's log; if followed, new ones as they come."""
    path = log_file(home)
    file = _identity(path)
    lines, position = _lines(path)
    for number in range(1, _OLDER + 1):
        if len(lines) < count:
            lines = _lines(_older(path, number))[0] + lines
    yield from lines[max(0, len(lines) - count) :]
    while follow:
        time.sleep(_LOOK)
        if (now := _identity(path)) != file:  # A new one was begun.
            if file is not None:
                yield from _lines(_older(path, 1), position)[0]
            file, position = now, 0
        lines, position = _lines(path, position)
        yield from lines


class _PrivateFile(RotatingFileHandler):
    """A rotating file that is this user's alone, and done without while it cannot be written."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND)
        return io.TextIOWrapper(
            os.fdopen(descriptor, "ab"), encoding=self.encoding, errors=self.errors
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Formatter(logging.Formatter):
    """Keeps each message on one line, and from a terminal what it would obey."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = shown(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(map(shown, super().formatException(ei).split("\n")))


class _JournalFormatter(_Formatter):
    """Begins each line with its priority, as sd-daemon(3) says; the journal knows the time."""

    _PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))

    def format(self, record: logging.LogRecord) -> str:
        priority = next((p for level, p in self._PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def _is_journal(descriptor: int) -> bool:
    """Return whether a descriptor leads to systemd's journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _log_failed_thread(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else "?"
    trace: TracebackType | None = arguments.exc_traceback
    error = arguments.exc_value or arguments.exc_type()
    _log.critical("thread %s failed", name, exc_info=(arguments.exc_type, error, trace))


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what identifies a file when it is renamed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lines(path: Path, position: int = 0) -> tuple[list[str], int]:
    """Return the complete lines of a file from ``position`` on, and the position after them."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            text = file.read()
    except OSError:
        return [], position
    whole = text[: text.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), position + len(whole)
