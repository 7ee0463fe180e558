# ruff: noqa
"""Stub until the real one lands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from photofind.indexing.excludes import Rules


class Kind(Enum):
    CHANGED = auto()
    COMPLETE = auto()
    GONE = auto()
    TREE = auto()


@dataclass(frozen=True, slots=True)
class Change:
    kind: Kind
    path: str


class Watcher:
    problems: list[str] = []

    def __init__(self, report: Callable[[Sequence[Change]], None], *, poll_seconds: float) -> None:
        self._report = report

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def watch(self, folders: Mapping[str, Rules]) -> None: ...
    def state(self, folder: str) -> str | None: ...
    def scanned(self, folder: str, seconds: float) -> None: ...
