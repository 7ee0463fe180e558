"""What the library keeps: photos, folders, and embedding spaces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from photofind.paths import is_below

__all__ = [
    "PRELIMINARY",
    "Folder",
    "Pair",
    "Photo",
    "Retry",
    "Space",
    "Tags",
    "innermost",
    "is_offline",
    "pair_of",
    "roots_in",
    "watched_here",
]

PRELIMINARY = "~"
"""The first character of the content id of a photo of which only the thumbnail was embedded."""

Pair = tuple[str, str]
"""Two contents, the lesser id first."""

Tags = Mapping[str, float]
"""Words that an extractor named in a photo, with their confidences, the surest first."""


class Retry(NamedTuple):
    """When a photo is tried again that failed for a reason that passes.

    Parameters
    ----------
    times
        How often it has failed in a row.
    at
        When it is tried again by itself, in whole seconds since 1970.
    """

    times: int
    at: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that is indexed, or that could not be.

    Parameters
    ----------
    path
        Absolute; bytes that are not UTF-8 as lone surrogates (PEP 383).
    size, modified, inode
        Of the file when it was read: bytes, nanoseconds since 1970, and the file's number.
    content
        The content id, hexadecimal; empty where the file could not be read, and with the prefix
        ``PRELIMINARY`` where only its thumbnail was embedded.
    spaces
        The ids of the spaces that hold an embedding of this content. A store sets it.
    width, height, format
        Of the image as it is shown, in pixels, and the name of its format.
    fingerprint
        Of what its pixels show, by :mod:`photofind.images.fingerprint`; None where they were not
        looked at so.
    captured
        When it was taken, ISO 8601.
    camera, latitude, longitude, keywords, caption
        From the file's metadata; degrees.
    tags
        What extractors named in it, by the id of their space.
    said
        What a person said of its tags: by name, whether it is right. A store sets it.
    failure
        Why it could not be indexed.
    refusals
        Why extractors failed on it that may be to blame themselves, by the id of their space.
        Others may have embedded it: it is a failure too only where none has.
    retry
        When it is tried again, where it failed, or was refused, for a reason that passes.
    sidecar
        When its sidecar file was changed, nanoseconds since 1970.
    changed
        When the status of its file changed last (``ctime``), nanoseconds since 1970: a new content
        under the old size and time gives itself away by it. None where it is not known.
    sidecar_changed
        The same of its sidecar file.
    away
        The file system that holds it, where another one is mounted at its place: its file is out
        of reach, and its path may be that of another photo. None otherwise.
    note
        What is wrong with its file, where only a part of it could be read.
    id
        The photo's id; 0 before it is in the library.
    """

    path: str
    size: int = 0
    modified: int = 0
    inode: int = 0
    content: str = ""
    spaces: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    format: str = ""
    fingerprint: str | None = None
    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None
    tags: Mapping[str, Tags] = field(default_factory=dict, hash=False)
    said: Mapping[str, bool] = field(default_factory=dict, hash=False)
    failure: str | None = None
    refusals: Mapping[str, str] = field(default_factory=dict, hash=False)
    retry: Retry | None = None
    sidecar: int | None = None
    changed: int | None = None
    sidecar_changed: int | None = None
    away: str | None = None
    note: str | None = None
    id: int = 0

    @property
    def preliminary(self) -> bool:
        """Whether only the thumbnail inside its file was embedded so far."""
        return self.content.startswith(PRELIMINARY)

    @property
    def moment(self) -> str:
        """When it was taken, or its file changed where it does not say; ISO 8601."""
        return self.captured or datetime.fromtimestamp(self.modified / 1e9).isoformat()

    def without_space(self, space: str) -> Photo:
        """Return the photo without the embedding and the tags of one space."""
        return replace(
            self,
            spaces=tuple(one for one in self.spaces if one != space),
            tags={one: tags for one, tags in self.tags.items() if one != space},
        )

    def without_refusal(self, space: str | None = None) -> Photo:
        """Return the photo without the refusal of one space, or without all of them.

        Where no refusal is left and no space holds its embedding, it is as if never read.
        """
        if not self.refusals:
            return self
        left = {one: why for one, why in self.refusals.items() if space not in (None, one)}
        failure = None if self.spaces else next(iter(left.values()), None)
        return replace(self, refusals=left, failure=failure, retry=self.retry if left else None)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the user added.

    Parameters
    ----------
    path
        Absolute.
    added, scanned
        When it was added and last scanned from end to end, seconds since 1970.
    state
        ``online``, or ``offline`` while it cannot be reached and its photos are kept.
    mounts
        Where the file systems were mounted that held its photos at the last scan.
    excludes
        Patterns of files to leave out, in gitignore syntax.
    reason
        Why it is offline.
    volumes
        Which file systems were mounted there, by the paths of their mounts, as
        :mod:`photofind.system.volumes` tells them apart.
    id
        The folder's id; 0 before it is in the library.
    host
        Who scans and watches it, where that is another user or machine that shares the library;
        "" where it is watched here. A store sets it.
    """

    path: str
    added: float
    state: str = "online"
    mounts: tuple[str, ...] = ()
    scanned: float | None = None
    excludes: tuple[str, ...] = ()
    reason: str | None = None
    volumes: Mapping[str, str] = field(default_factory=dict, hash=False)
    id: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space: what one version of one extractor makes of photos.

    Parameters
    ----------
    extractor, version
        The extractor's name and version.
    dimension
        The length of its embeddings.
    build
        The build of the extractor that was last used.
    """

    extractor: str
    version: str
    dimension: int
    build: str = ""

    @property
    def id(self) -> str:
        """The extractor and its version, as in ``mobilenet@1``."""
        return f"{self.extractor}@{self.version}"


def innermost(folders: Iterable[Folder], path: str) -> Folder | None:
    """Return the folder that holds ``path``, the inner one of two; None where none does."""
    holding = [folder for folder in folders if is_below(path, folder.path)]
    return max(holding, key=lambda folder: len(folder.path), default=None)


def roots_in(folders: Sequence[Folder]) -> Callable[[Photo], str]:
    """Return what tells the path of the folder that a photo lies in; "" where in none."""
    known: dict[str, str] = {}

    def root(photo: Photo) -> str:
        place = os.path.dirname(photo.path)  # noqa: PTH120 (it is asked of each photo)
        if place not in known:
            folder = innermost(folders, photo.path)
            known[place] = folder.path if folder is not None else ""
        return known[place]

    return root


def watched_here(folders: Iterable[Folder]) -> list[Folder]:
    """Return the folders that are scanned and watched here, and not by others."""
    return [folder for folder in folders if not folder.host]


def is_offline(photo: Photo, folder: Folder | None) -> bool:
    """Return whether a photo cannot be read now: its volume, or the folder it lies in, is away."""
    return photo.away is not None or (folder is not None and folder.state == "offline")


def pair_of(left: str, right: str) -> Pair:
    """Return two contents as a pair, whichever comes first."""
    return (left, right) if left < right else (right, left)
