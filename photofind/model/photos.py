"""What is known of photos: details, tags, failures, and the result of moving files."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Failure",
    "Overview",
    "PhotoDetails",
    "Tag",
    "TagCount",
    "Tagging",
    "TrashedBefore",
    "Trashing",
    "Untrashing",
]


@dataclass(frozen=True)
class Failure:
    """A photo that could not be indexed, or moved, and why.

    ``extractor`` is the one that could not embed it, where another may have; None otherwise.
    ``retry`` is when it is tried again by itself, in seconds since 1970; None if it is not.
    ``is_note`` says that it is indexed, and ``reason`` what was left out of it.
    """

    path: str
    reason: str
    extractor: str | None = None
    retry: int | None = None
    is_note: bool = False


@dataclass(frozen=True)
class Tag:
    """What an extractor has named in a photo, or a person, and how sure it is: 0 to 1.

    ``space`` is the extractor with its version (``name@version``); "" where only a person says so.
    ``confirmed`` says whether a person did.
    """

    name: str
    confidence: float
    space: str
    confirmed: bool = False


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
    that have embedded it, ``failure`` says why none could. ``keywords`` are what people wrote
    into it, ``tags`` what extractors are sure to see in it and what a person confirmed, the surest
    first, and ``rejected`` what a person said it does not show. ``note`` says what is wrong with
    its file, where only a part of it could be read.
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
    note: str | None = None
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tagging:
    """What became of photos whose tags a person judged.

    Parameters
    ----------
    photos
        The photos as they are now.
    sidecars
        The paths of the sidecars that hold it now too, where that was asked for.
    failures
        The photos whose sidecars could not be written, and why; it is kept in the library all the
        same.
    """

    photos: tuple[PhotoDetails, ...]
    sidecars: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Overview:
    """Where photos are and when they were taken, to look around in the library.

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
class TrashedBefore:
    """Photos that were moved to the trash together and can be put back.

    Parameters
    ----------
    undo
        What :meth:`PhotoFind.untrash` takes to put them back.
    when
        Seconds since 1970.
    paths
        Where they were.
    """

    undo: str
    when: float
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Untrashing:
    """What became of photos that were to be put back: paths, and why others were not.

    ``undo`` can be tried again for those; None where all are back.
    """

    restored: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    undo: str | None = None
