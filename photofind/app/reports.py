"""The reports of evaluations that the home keeps: one folder each, the newest few."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from photofind.errors import LibraryError
from photofind.model import as_plain, revive
from photofind.model.evaluations import EvaluationRecord
from photofind.paths import Home, write_atomically

__all__ = [
    "REPORT",
    "keep_report",
    "kept_reports",
    "read_report",
    "record_of",
    "write_report",
]

REPORT, FIGURES, RECORD = "report.html", "evaluation.json", "record.json"
KEPT = 20

_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
_MOST_BYTES = 100_000_000


def write_report(folder: Path, page: str, figures: dict[str, Any]) -> None:
    """Write a report and its figures into a folder.

    Raises
    ------
    OSError
        The disk refuses.
    """
    write_atomically(folder / FIGURES, json.dumps(figures, indent=2).encode("ascii"))
    write_atomically(folder / REPORT, page.encode("utf-8"))


def keep_report(home: Home, page: str, figures: dict[str, Any], record: EvaluationRecord) -> Path:
    """Keep a report, its figures and its record in the home; return its file.

    Of older ones the newest are kept, twenty in all.

    Raises
    ------
    OSError
        The disk refuses.
    """
    folder = home.evaluations / record.id
    write_report(folder, page, figures)
    write_atomically(folder / RECORD, json.dumps(record, default=as_plain).encode("ascii"))
    for old in kept_reports(home)[KEPT:]:
        shutil.rmtree(home.evaluations / old.id, ignore_errors=True)
    return folder / REPORT


def record_of(
    page: str, created: str, source: str, photos: int, classes: int,
    extractors: tuple[str, ...], *, complete: bool,
) -> EvaluationRecord:  # fmt: skip
    """Return the record of a report, with a new name."""
    stamp = re.sub(r"[-:]", "", created)[:15]
    digest = hashlib.sha256(page.encode("utf-8")).hexdigest()
    name = f"{stamp}-{os.urandom(4).hex()}"
    return EvaluationRecord(name, created, source, photos, classes, extractors, complete, digest)


def kept_reports(home: Home) -> list[EvaluationRecord]:
    """Return the evaluations that are kept, the newest first; what is damaged is left out."""
    try:
        names = [one.name for one in os.scandir(home.evaluations) if _ID.fullmatch(one.name)]
    except OSError:
        return []
    found = []
    for name in sorted(names, reverse=True):
        with suppress(OSError, ValueError, TypeError, AttributeError):
            data = json.loads(_read(home.evaluations / name / RECORD))
            record = revive(EvaluationRecord, data)
            if record.id == name:
                found.append(record)
    return found


def read_report(home: Home, name: str) -> bytes:
    """Return the HTML of a kept report, as it was written.

    Raises
    ------
    LibraryError
        There is none by that name, or its file is not what was written.
    """
    record = next((one for one in kept_reports(home) if one.id == name), None)
    if record is None:
        raise LibraryError(
            "there is no such report", "`photofind evaluate` makes one; the newest 20 are kept"
        )
    try:
        page = _read(home.evaluations / name / REPORT)
    except OSError as error:
        raise LibraryError(f"the report cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(page).hexdigest() != record.digest:
        raise LibraryError(
            "the report was changed after it was written", "run `photofind evaluate` again"
        )
    return page


def _read(path: Path) -> bytes:
    """Return the bytes of a regular file; a link is not followed.

    Raises
    ------
    OSError
        There is none, or it is too large.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    # A pipe is not waited for.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise OSError("it is too large")
    return data
