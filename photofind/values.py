"""What is asked of photofind and what it answers, in plain values.

They are what crosses every border: between rooms, to the daemon and back, and as JSON to scripts.
Importing them costs next to nothing.
"""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = [
    "Answer",
    "Check",
    "DaemonStatus",
    "DuplicateGroup",
    "Event",
    "ExtractorStatus",
    "Failure",
    "FolderStatus",
    "Hit",
    "Overview",
    "PhotoDetails",
    "ProcessStatus",
    "Progress",
    "Query",
    "Report",
    "SearchStatus",
    "Skipped",
    "Status",
    "Tag",
    "TagCount",
    "Trashing",
    "Untrashing",
    "as_plain",
    "revive",
]

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Query:
    """Photos to find the like of, and what the hits are limited to.

    Parameters
    ----------
    like, unlike
        Absolute paths of photos, inside or outside the library.
    limit
        How many hits at the most; None is what the settings say.
    min_score
        Hits below this score are left out, 0 to 1; None is what the settings say.
    folder
        Only photos below this folder.
    since, until
        Only photos captured in this span: ISO 8601 dates or times, each as precise as wanted
        (``until="2021"`` takes in all of 2021). A photo without a capture date counts by the
        time of its file.
    tags
        Only photos that carry all of these tags or keywords: whole names or whole words of them,
        whatever their case.
    extractor
        The name of the extractor whose embeddings are compared; None is the one in the settings.
    plain
        Rank by the cosine of the embeddings alone.
    every
        Show near-duplicates one by one instead of collapsed.
    """

    like: tuple[str, ...]
    unlike: tuple[str, ...] = ()
    limit: int | None = None
    min_score: float | None = None
    folder: str | None = None
    since: str | None = None
    until: str | None = None
    extractor: str | None = None
    plain: bool = False
    every: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A photo found.

    Parameters
    ----------
    rank
        1, 2, 3 ...
    path, id
        The photo, and its number in the library.
    score
        0 to 1; 0.5 is where unrelated photos practically never come, 1 is the same picture.
    captured
        When it was taken, ISO 8601; None where it does not say.
    width, height
        In pixels, as it is shown; 0 while the photo is preliminary.
    size, modified
        Of its file: bytes, and nanoseconds since 1970.
    offline
        Whether it is out of reach at the moment.
    preliminary
        Whether its vector was made of its embedded thumbnail so far.
    copies, copy_ids
        Paths and numbers of the near-duplicates collapsed under it, in the order of their scores.
    """

    rank: int
    path: str
    score: float
    captured: str | None
    width: int
    height: int
    offline: bool
    copies: tuple[str, ...] = ()
    id: int = 0
    size: int = 0
    modified: int = 0
    preliminary: bool = False
    copy_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The hits of a query, best first.

    ``searched_by`` says how: "graph", "exact", or "plain" where full vectors were compared.
    ``photos`` is how many photos were searched, ``seconds`` how long it took.
    ``preliminary`` is how many of them are known by their embedded thumbnails only, so far.
    """

    query: Query
    hits: tuple[Hit, ...]
    searched_by: str
    extractor: str
    photos: int
    seconds: float
    preliminary: int = 0


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that show the same picture, the largest first.

    ``exact`` where all of them are the same file content; ``similarity`` is the lowest cosine
    between any of them and the first. ``ids`` are their numbers in the library.
    """

    paths: tuple[str, ...]
    exact: bool
    similarity: float
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that could not be looked at: what is known at or below it stays known."""

    path: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far the indexing is.

    Parameters
    ----------
    phase
        What it does, in words: "looking for photos" or "reading photos".
    done, total
        Photos in this phase; ``total`` is None while it is not known.
    failed
        How many of those done could not be read.
    rate
        Photos a second, smoothed; None until it is known.
    seconds_left
        The same in time; None until it is known.
    """

    phase: str
    done: int
    total: int | None = None
    failed: int = 0
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Report:
    """What an indexing found and did, in photos where nothing else is said.

    Parameters
    ----------
    found
        On disk.
    unchanged
        As they were.
    new, changed
        Read: not known before, and known before.
    moved
        Known under another path before; they kept their vectors.
    removed
        No longer on disk, nor in the library.
    failed
        Read in vain; they are among the new, changed and moved.
    kept
        Known, not found, and kept because their place could not be looked at.
    offline
        Folders that could not be looked at as a whole.
    skipped
        Files and folders in the other ones that could not be looked at.
    seconds
        How long it took.
    notes
        What else should be known, of damage for one, a line each.
    """

    found: int
    unchanged: int
    new: int
    changed: int
    moved: int
    removed: int
    failed: int
    kept: int
    offline: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line of what was done."""
        done = [
            f"{count:,} {what}"
            for what in ("new", "changed", "moved", "removed", "failed", "kept")
            if (count := getattr(self, what))
        ]
        photos = "1 photo" if self.found == 1 else f"{self.found:,} photos"
        return f"{photos}: {', '.join(done) or 'nothing new'}, in {self.seconds:.1f} s"

    @property
    def problems(self) -> list[str]:
        """What went wrong, one line each."""
        return [
            *(f"{folder.path} is offline: {folder.reason}" for folder in self.offline),
            *(f"{skip.path} is skipped: {skip.reason}" for skip in self.skipped),
            *self.notes,
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
        How changes in it are noticed: ``events``, ``polled``, or None where nobody watches.
    """

    path: str
    photos: int
    state: str
    reason: str | None
    scanned: float | None
    excludes: tuple[str, ...]
    watched: str | None = None


@dataclass(frozen=True)
class Failure:
    """A photo that could not be indexed, or moved, and why.

    ``extractor`` is the one that could not describe it, where another may have; None otherwise.
    """

    path: str
    reason: str
    extractor: str | None = None


@dataclass(frozen=True)
class ExtractorStatus:
    """An extractor plugin as it is installed, and how many photos it has described.

    ``error`` says what is wrong with one that does not work; ``version`` and ``dimension`` are
    None for it.
    """

    name: str
    version: str | None
    dimension: int | None
    distribution: str
    in_use: bool
    photos: int
    error: str | None


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
        Whether somebody paused it, and until when (seconds since 1970; None until resumed).
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
        How many are known, or found on disk, and still to be described by the extractor in use.
    folders, extractor, search
        The folders, the extractor in use, and how searches are answered.
    home, bytes
        Where photofind keeps its files, and how large they are.
    problems
        What somebody should know or do something about, one line each.
    daemon
        What the daemon does; None where this process answered by itself.
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


@dataclass(frozen=True)
class Tag:
    """What an extractor has named in a photo, and how sure it is: 0 to 1.

    ``space`` is the extractor with its version (``name@version``).
    """

    name: str
    confidence: float
    space: str


@dataclass(frozen=True)
class TagCount:
    """A tag or keyword, and how many photos carry it.

    ``extractors`` are those that have named it, ``keyword`` says whether people have.
    """

    name: str
    photos: int
    extractors: tuple[str, ...]
    keyword: bool


@dataclass(frozen=True)
class PhotoDetails:
    """What is known of one photo.

    ``size`` is in bytes, ``modified`` in nanoseconds since 1970, ``captured`` ISO 8601,
    ``latitude`` and ``longitude`` in degrees. ``spaces`` names the extractors (``name@version``)
    that have described it, ``failure`` says why none could. ``keywords`` are what people wrote
    into it, ``tags`` what extractors named in it, the surest first.
    """

    id: int
    path: str
    size: int
    modified: int
    width: int
    height: int
    format: str
    captured: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    keywords: tuple[str, ...]
    caption: str | None
    failure: str | None
    offline: bool
    preliminary: bool
    spaces: tuple[str, ...]
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class Overview:
    """Where photos are and when they were taken, for whoever looks around.

    Parameters
    ----------
    photos
        How many there are.
    folders
        The folders of the library, or those right below one of them, that hold any: path and
        number of photos, by path.
    months
        The months in which any was taken ("2021-05"), and how many, the newest first.
    """

    photos: int
    folders: tuple[tuple[str, int], ...]
    months: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Trashing:
    """What became of photos that were to be moved to the trash.

    Parameters
    ----------
    trashed
        The numbers of those that are there now.
    failures
        Those that stayed where they are, and why.
    undo
        What :meth:`PhotoFind.untrash` takes to put them back; None where none was moved, or where
        only the system's own trash can put them back.
    """

    trashed: tuple[int, ...]
    failures: tuple[Failure, ...] = ()
    undo: str | None = None


@dataclass(frozen=True)
class Untrashing:
    """What became of photos that were to be put back: paths, and why others were not.

    ``undo`` can be tried again for those; None where all are back.
    """

    restored: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    undo: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened in the daemon, for whoever shows it live.

    ``kind`` says what ``data`` is:

    - ``activity``: a :class:`Progress` as an object, or None once there is nothing to do;
    - ``library``: ``{"photos", "preliminary", "failed", "revision"}``, after each commit;
    - ``folders``: the list of :class:`FolderStatus`, after a folder came, went or changed state;
    - ``state``: ``{"paused", "paused_until", "waiting"}``;
    - ``notice``: ``{"topic", "text"}``, what a person may want to be told: the first indexing of
      a folder is finished (topic ``indexed``), a drive went away (``offline``) or came back
      (``online``), something needs them (``problem``);
    - ``stopping``: None, the last one.
    """

    kind: str
    data: Any


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


def as_plain(value: Any) -> Any:
    """Return what :mod:`json` cannot write by itself as what it can; its ``default``.

    Raises
    ------
    TypeError
        For anything but the values of this module.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def revive(kind: type[_Value], plain: Any) -> _Value:
    """Return the value of a dataclass of this module that JSON made ``plain`` of.

    Members that this version does not know are left out: a newer photofind may have sent them.

    Raises
    ------
    TypeError, KeyError
        Where ``plain`` is something else.
    """
    hints = _hints(cast("Hashable", kind))
    known = {name: _revived(hints[name], value) for name, value in plain.items() if name in hints}
    return kind(**known)


def _revived(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if value is None or hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _revived(next(one for one in arguments if one is not type(None)), value)
    if origin is tuple:
        return tuple(_revived(arguments[0], one) for one in value)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return revive(hint, value)
    return value


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
