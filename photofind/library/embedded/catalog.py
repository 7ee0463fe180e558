"""What is known of the photos: the typed face over TinyDB."""

from __future__ import annotations

import json
import os
from array import array
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from tinydb import where
from tinydb.table import Table

from photofind.images.reading import PRELIMINARY
from photofind.library.embedded.journal import Change, JournalStorage, decode
from photofind.library.embedded.key_index import KeyIndex
from photofind.library.embedded.table import JournalTable
from photofind.paths import is_below

__all__ = [
    "PRELIMINARY",
    "Catalog",
    "Folder",
    "Photo",
    "Space",
    "Tags",
    "innermost",
    "undescribed",
    "without_refusal",
]

Tags = Mapping[str, float]
"""What an extractor named in a photo: words with their confidences, the surest first."""

_Record = TypeVar("_Record", "Photo", "Folder", "Space")

# So many documents are decoded in one go.
_BATCH = 128


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
        The content id, hexadecimal; empty where the file could not be read, and begun by
        ``PRELIMINARY`` where only its header was.
    rows
        The row of this content's vector in each space, by the space's id.
    width, height, format
        Of the image as it is shown, in pixels, and the name of its format.
    captured
        When it was taken, ISO 8601.
    camera, latitude, longitude, keywords, caption
        What the file says of itself; degrees.
    tags
        What extractors named in it, by the id of their space.
    failure
        Why it could not be indexed.
    refusals
        Why extractors could not describe it that may be to blame themselves, by the id of their
        space. Others may have described it: only where none has, it is a failure too.
    sidecar
        When its sidecar file was changed, nanoseconds since 1970.
    id
        The document's id; 0 before it is in the catalog.
    """

    path: str
    size: int = 0
    modified: int = 0
    inode: int = 0
    content: str = ""
    rows: Mapping[str, int] = field(default_factory=dict, hash=False)
    width: int = 0
    height: int = 0
    format: str = ""
    captured: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    keywords: tuple[str, ...] = ()
    caption: str | None = None
    tags: Mapping[str, Tags] = field(default_factory=dict, hash=False)
    failure: str | None = None
    refusals: Mapping[str, str] = field(default_factory=dict, hash=False)
    sidecar: int | None = None
    id: int = 0

    @property
    def preliminary(self) -> bool:
        """Whether only the thumbnail that its file holds was looked at so far."""
        return self.content.startswith(PRELIMINARY)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is watched.

    Parameters
    ----------
    path
        Absolute.
    added, scanned
        When it was added and last scanned from end to end, seconds since 1970.
    state
        ``online``, or ``offline`` while it cannot be reached and its photos are kept.
    mounts
        Where the file systems were mounted that held its photos when it was last scanned.
    excludes
        Patterns of what is left out, in gitignore's syntax.
    reason
        Why it is in this state.
    id
        The document's id; 0 before it is in the catalog.
    """

    path: str
    added: float
    state: str = "online"
    mounts: tuple[str, ...] = ()
    scanned: float | None = None
    excludes: tuple[str, ...] = ()
    reason: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Space:
    """What one version of one extractor makes of photos: vectors that can be compared.

    Parameters
    ----------
    extractor, version
        The extractor's name and version.
    dimension
        The length of its vectors.
    generation
        Which file holds the vectors; a new one numbers its rows anew.
    rows
        How many rows of that file are committed, those that no photo refers to included.
    build
        Which build of the extractor was last used: see
        :class:`~photofind.extractors.extraction.ExtractorInfo`.
    """

    extractor: str
    version: str
    dimension: int
    generation: int = 1
    rows: int = 0
    build: str = ""

    @property
    def id(self) -> str:
        """The extractor and its version, as in ``mobilenet@1``."""
        return f"{self.extractor}@{self.version}"


class Catalog:
    """Photos, folders and spaces, in the tables of these names.

    Changes are made inside ``storage.transaction()``. Look-ups by path, content and row take no
    longer where there are many photos, and do not see what a transaction under way has changed.

    Parameters
    ----------
    path
        The journal.
    writable
        Whether this is the one writer.

    Attributes
    ----------
    storage
        The journal's storage.
    failed
        How many photos could not be indexed.
    unreadable
        How many of those no other extractor, or build of one, would describe either.
    refused
        How many photos each extractor could not describe that may be to blame, by its space's id.
    preliminary
        Of how many photos only the embedded thumbnail was looked at so far.

    Raises
    ------
    NewerFormatError, LibraryError
        As `JournalStorage`.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.storage = JournalStorage(path, writable=writable)
        self._photos = JournalTable(self.storage, "photos")
        self._folders = JournalTable(self.storage, "folders")
        self._spaces = JournalTable(self.storage, "spaces")
        self._keys = KeyIndex()
        # How many photos refer to each row of a space.
        self._references: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self.failed = self.unreadable = self.preliminary = 0
        self.refused: Counter[str] = Counter()
        self.storage.follow(self._follow)

    def __len__(self) -> int:
        return len(self._photos)

    # Photos.

    def photo_by_id(self, identifier: int) -> Photo | None:
        """Return the photo with this id."""
        document = self._photos.get(doc_id=identifier)
        return _record(Photo, document, id=identifier) if document is not None else None

    def photo(self, path: str) -> Photo | None:
        """Return the photo at ``path``."""
        return next((photo for photo in self._candidates(path) if photo.path == path), None)

    def with_content(self, content: str) -> list[Photo]:
        """Return the photos with this content, oldest first."""
        return [photo for photo in self._candidates(content) if photo.content == content]

    def at_row(self, space: str, row: int) -> list[Photo]:
        """Return the photos that refer to a row of a space, oldest first."""
        return [photo for photo in self._candidates((space, row)) if photo.rows.get(space) == row]

    def photos(self, folder: str | None = None) -> Iterator[Photo]:
        """Iterate over all photos, or those in ``folder`` and below, as they are now."""
        if folder is None:
            return self._holding(b"")
        prefix = os.path.join(folder, "")  # noqa: PTH118 (paths here may not be UTF-8)
        holding = self._holding(json.dumps(prefix).encode("ascii")[1:-1])
        return (photo for photo in holding if photo.path.startswith(prefix))

    def count(self, folder: str) -> int:
        """Return how many photos below ``folder`` are not failures, decoding none."""
        prefix = json.dumps(os.path.join(folder, "")).encode("ascii")[:-1]  # noqa: PTH118
        part = b'"path":' + prefix
        below = self.storage.documents("photos").holding(part)
        if not self.failed:
            return sum(1 for _ in below)
        return sum(b'"failure":' not in raw for _, raw in below)

    def failures(self) -> Iterator[Photo]:
        """Iterate over the photos that could not be indexed."""
        return (photo for photo in self._holding(b'"failure":') if photo.failure is not None)

    def refusals(self) -> Iterator[Photo]:
        """Iterate over the photos that an extractor could not describe and may be to blame for."""
        if not self.refused.total():
            return iter(())
        return (photo for photo in self._holding(b'"refusals":') if photo.refusals)

    def preliminary_photos(self) -> Iterator[Photo]:
        """Iterate over the photos of which only the embedded thumbnail was looked at so far."""
        holding = self._holding(f'"content":"{PRELIMINARY}'.encode())
        return (photo for photo in holding if photo.preliminary)

    def put_photo(self, photo: Photo) -> Photo:
        """Insert a photo, or replace the one with its id; return it with its id."""
        return replace(photo, id=_put(self._photos, photo.id, photo))

    def remove_photos(self, ids: Iterable[int]) -> None:
        """Remove the photos with these ids."""
        self._photos.remove(doc_ids=ids)

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first."""
        return [_record(Folder, document, id=document.doc_id) for document in self._folders]

    def put_folder(self, folder: Folder) -> Folder:
        """Insert a folder, or replace the one with its path; return it with its id."""
        known = {document["path"]: document.doc_id for document in self._folders}
        return replace(folder, id=_put(self._folders, known.get(folder.path, 0), folder))

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``."""
        self._folders.remove(where("path") == path)

    # Spaces.

    def spaces(self) -> list[Space]:
        """Return the spaces."""
        return [_record(Space, document) for document in self._spaces]

    def put_space(self, space: Space) -> None:
        """Insert a space, or replace the one with its id."""
        known = {_record(Space, document).id: document.doc_id for document in self._spaces}
        _put(self._spaces, known.get(space.id, 0), space)

    def remove_space(self, space: Space) -> None:
        """Remove a space, and what photos know of it."""
        for photo in self.photos():
            if space.id in photo.rows or space.id in photo.refusals:
                self.put_photo(without_refusal(undescribed(photo, space.id), space.id))
        self._spaces.remove((where("extractor") == space.extractor)
                            & (where("version") == space.version))  # fmt: skip

    def references(self, space: Space) -> npt.NDArray[np.int32]:
        """Return how many photos refer to each committed row of a space, (rows,)."""
        counts = np.zeros(space.rows, np.int32)
        known = np.array(self._references[space.id][: space.rows])
        counts[: len(known)] = known
        return counts

    # What is kept in memory beside the documents, so that looking up is fast.

    def _candidates(self, key: Hashable) -> Iterator[Photo]:
        for identifier in self._keys.candidates(key):
            photo = self.photo_by_id(identifier)
            if photo is not None:
                yield photo

    def _holding(self, part: bytes) -> Iterator[Photo]:
        """Iterate over the photos whose raw documents hold ``part``, decoding no others."""
        for identifier, raw in self.storage.documents("photos").holding(part):
            yield _record(Photo, decode(raw), id=identifier)

    def _follow(self, changes: Iterable[Change]) -> None:
        photos = (change for change in changes if change.table == "photos")
        hashes, ids = array("q"), array("q")
        while batch := list(islice(photos, _BATCH)):
            before = _decode_all(change.before for change in batch)
            after = _decode_all(change.after for change in batch)
            for change, old, new in zip(batch, before, after, strict=True):
                keys = _keys(new)
                if old:
                    self._refer(old, -1)
                    keys = tuple(set(keys).difference(_keys(old)))
                self._refer(new, +1)
                hashes.extend(map(hash, keys))
                ids.extend([change.id] * len(keys))
        self._keys.add(hashes, ids)

    def _refer(self, document: Mapping[str, Any], count: int) -> None:
        if "failure" in document:
            self.failed += count
            self.unreadable += count * ("refusals" not in document)
        for space in document.get("refusals", ()):
            self.refused[space] += count
        self.preliminary += count * document.get("content", "").startswith(PRELIMINARY)
        for space, row in document.get("rows", {}).items():
            references = self._references[space]
            if row >= len(references):
                references.extend([0] * (row + 1 - len(references)))
            references[row] += count


def innermost(folders: Iterable[Folder], path: str) -> Folder | None:
    """Return the folder that holds ``path``, the inner one of two; None where none does."""
    holding = [folder for folder in folders if is_below(path, folder.path)]
    return max(holding, key=lambda folder: len(folder.path), default=None)


def undescribed(photo: Photo, space: str) -> Photo:
    """Return a photo without what the extractor of a space has made of it."""
    return replace(
        photo,
        rows={one: row for one, row in photo.rows.items() if one != space},
        tags={one: tags for one, tags in photo.tags.items() if one != space},
    )


def without_refusal(photo: Photo, space: str | None = None) -> Photo:
    """Return a photo as it is once one extractor, or none, is known to have failed with it.

    Where none is, and none has described it, it is as one that nobody has looked at.
    """
    if not photo.refusals:
        return photo
    left = {one: why for one, why in photo.refusals.items() if one != space and space is not None}
    failure = None if photo.rows else next(iter(left.values()), None)
    return replace(photo, refusals=left, failure=failure)


def _keys(document: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """Return what a photo can be looked up by."""
    if not document:
        return ()
    return document["path"], document.get("content", ""), *document.get("rows", {}).items()


def _decode_all(documents: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """Decode several documents at once, which is faster; an empty one for None."""
    decoded: list[dict[str, Any]] = json.loads(b"[%b]" % b",".join(d or b"{}" for d in documents))
    return decoded


def _document(record: Photo | Folder | Space) -> dict[str, Any]:
    """Return the fields that say something, by name."""
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    return {
        name: value
        for name, value in values
        if name != "id" and value is not None and value not in ((), {})
    }


def _record(kind: type[_Record], document: Mapping[str, Any], **more: Any) -> _Record:
    """Return the record that `_document` made ``document`` of."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return kind(**values, **more)


def _put(table: Table, identifier: int, record: Photo | Folder | Space) -> int:
    """Insert a document, or replace the one with this id; return its id."""
    document = _document(record)
    if not table.contains(doc_id=identifier):
        return table.insert(document)

    def become(old: MutableMapping[str, Any]) -> None:
        old.clear()
        old.update(document)

    table.update(become, doc_ids=[identifier])
    return identifier
