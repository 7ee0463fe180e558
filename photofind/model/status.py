"""The state of the library, its extractors and the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from photofind.model.indexing import Progress
from photofind.model.query import ExtractorProgress

__all__ = [
    "Check",
    "DaemonStatus",
    "ExtractorStatus",
    "FolderStatus",
    "ProcessStatus",
    "SearchStatus",
    "Status",
]


@dataclass(frozen=True)
class FolderStatus:
    """A folder of the library.

    Parameters
    ----------
    path
        Absolute.
    photos
        How many of its photos are known, without those that could not be indexed.
    state, reason
        ``online``, or ``offline`` while it cannot be reached and its photos are kept; and why.
    scanned
        When it was last looked through from end to end, seconds since 1970.
    excludes
        Patterns of what is left out, in gitignore's syntax.
    watched
        How changes in it are noticed: ``events``, ``polled``, or None where they are not.
    """

    path: str
    photos: int
    state: str
    reason: str | None
    scanned: float | None
    excludes: tuple[str, ...]
    watched: str | None = None


@dataclass(frozen=True)
class ExtractorStatus:
    """An extractor plugin as it is installed, and how many photos it has embedded.

    ``error`` says what is wrong with one that does not work; ``version`` and ``dimension`` are
    None for it, and while it is ``loading``. ``device`` is what it runs on, such as "gpu", where it
    tells. ``derives_from`` names the extractors on whose embeddings it works, where it is a derived
    one.
    """

    name: str
    version: str | None
    dimension: int | None
    distribution: str
    in_use: bool
    photos: int
    error: str | None
    loading: bool = False
    device: str | None = None
    derives_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchStatus:
    """How searches are answered.

    Parameters
    ----------
    path
        "graph", "exact" (all points are compared), "plain" (all full vectors are compared, there
        is no index) or "none" (nothing is indexed).
    photos
        How many photos the index was built on, and ``fresh`` how many came since.
    recall
        Recall@10 of the graph, measured against exact search when it was built; None without one.
    explanation
        The same in words.
    """

    path: str
    photos: int
    fresh: int
    recall: float | None
    explanation: str


@dataclass(frozen=True)
class ProcessStatus:
    """A process of photofind: what it is, and the bytes that it holds in memory (resident)."""

    name: str
    pid: int
    memory: int


@dataclass(frozen=True)
class DaemonStatus:
    """The daemon and what it does.

    Parameters
    ----------
    pid, version, started
        The process, the version of photofind that it runs, and when it was started (seconds
        since 1970).
    activity
        What it is doing now and how far it is; None while there is nothing to do.
    paused, paused_until
        Whether it is paused, and until when (seconds since 1970; None until resumed).
    waiting
        Why work waits, in words ("on battery"); None where none does.
    processes
        All processes of photofind, the daemon first.
    """

    pid: int
    version: str
    started: float
    activity: Progress | None
    paused: bool
    paused_until: float | None
    waiting: str | None
    processes: tuple[ProcessStatus, ...]


@dataclass(frozen=True)
class Status:
    """How the library is, and what the daemon does.

    Parameters
    ----------
    photos
        How many are indexed and can be found; ``preliminary`` of them by their embedded
        thumbnails only, so far.
    failed
        How many could not be indexed.
    pending
        How many are known, or found on disk, and still to be embedded by the extractor in use.
    folders, extractor, search
        The folders, the extractor in use, and how searches are answered.
    home, bytes
        Where photofind keeps its files, and how large they are.
    problems
        What the user should know or do something about, one line each.
    daemon
        What the daemon does; None where this process answered by itself.
    daemon_is_silent
        Whether this process answered because the daemon runs and does not answer.
    uncompared
        How many photos, and pairs of photos that may show the same picture, the latest look for
        duplicates has not compared yet; the daemon goes on with them, and so does the next look.
    answered_by
        The extractors that answer queries now, with their versions, as in ``mobilenet@1``.
    coming
        Those that are to answer once they have embedded nearly all photos.
    comparing
        How far the look for duplicates is; None where nothing is left.
    noted
        How many photos are indexed though a part of their file, or of its header, could not be
        read; ``failures`` says which, and what is wrong with them.
    """

    photos: int
    failed: int
    pending: int
    folders: tuple[FolderStatus, ...]
    extractor: str
    search: SearchStatus
    home: str
    bytes: int
    problems: tuple[str, ...]
    preliminary: int = 0
    daemon: DaemonStatus | None = None
    daemon_is_silent: bool = False
    uncompared: int = 0
    answered_by: tuple[str, ...] = ()
    coming: tuple[ExtractorProgress, ...] = ()
    comparing: Progress | None = None
    noted: int = 0


@dataclass(frozen=True)
class Check:
    """One thing that the doctor looked at.

    ``state`` is ``ok``, ``repaired``, ``warning`` or ``broken``; ``advice`` says what to do where
    something is to be done, empty otherwise.
    """

    name: str
    state: str
    message: str
    advice: str = ""
