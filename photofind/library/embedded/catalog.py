"""What is known of the photos: the typed face over TinyDB."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tinydb.table import Document

from photofind.library.embedded.changes import Change, decode, decode_all
from photofind.library.embedded.checkpoint import Checkpoint
from photofind.library.embedded.contents import RowContents
from photofind.library.embedded.journal import JournalStorage
from photofind.library.embedded.judgements import JudgementTable, is_judgement
from photofind.library.embedded.known_photos import NO_TALLY, KnownPhotos, decode_each
from photofind.library.embedded.recent_changes import RecentChanges
from photofind.library.embedded.records import (
    Record,
    StoredSpace,
    folder_of,
    from_folder,
    from_photo,
    from_space,
    is_folder,
    is_pair,
    is_space,
    photo_of,
    space_of,
)
from photofind.library.embedded.table import JournalTable
from photofind.library.embedded.tag_judgements import TagJudgementTable, is_tag_judgement
from photofind.library.store import Counts, SpaceCounts
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.records import PRELIMINARY, Folder, Pair, Photo

__all__ = ["Catalog"]

# So many documents are decoded in one go.
_BATCH = 128

_FAILURE, _REFUSALS, _RETRY = b'"failure":"', b'"refusals":{', b'"retry":['
_NOTE = b'"note":"'
# Within a text of a document quotation marks are escaped: none can be taken for such a field.
_CONTENT, _FINGERPRINT, _CAPTURED = (
    re.compile(rb'"%s":"([^"\\]+)"' % name) for name in (b"content", b"fingerprint", b"captured")
)
_MODIFIED = re.compile(rb'"modified":(\d+)[,}]')
_PRELIMINARY = f'"content":"{PRELIMINARY}'.encode()


class Catalog:
    """Photos, folders, spaces, and pairs of contents that were told apart, in tables.

    Changes are made inside ``storage.transaction()``. Look-ups by path and content take no longer
    where there are many photos, and do not see what a transaction under way has changed.

    Parameters
    ----------
    path
        The journal.
    writable
        Whether this is the one writer.
    checkpoint
        Where the writer keeps what it knows, so that the next one to open the catalog does not
        have to go through all of it.

    Attributes
    ----------
    storage
        The journal's storage.
    known_folders
        The folders, by the id of their documents, in memory.
    judgements
        What a person said of hits.
    tag_judgements
        What a person said of tags.
    recent_changes
        Which photos changed of late.

    Raises
    ------
    NewerFormatError, LibraryError
        As `JournalStorage`.
    """

    def __init__(
        self, path: Path, *, writable: bool = False, checkpoint: Path | None = None
    ) -> None:
        self.storage = JournalStorage(path, writable=writable, checkpoint=checkpoint)
        self._photos = JournalTable(self.storage, "photos")
        self._folders = JournalTable(self.storage, "folders")
        self._spaces = JournalTable(self.storage, "spaces")
        self._pairs = JournalTable(self.storage, "apart")
        self.judgements = JudgementTable(self.storage)
        self.tag_judgements = TagJudgementTable(self.storage)
        self.known_folders: dict[int, Folder] = {}
        self._known = KnownPhotos()
        self._begin()
        self.recent_changes = RecentChanges(self.storage)
        self.storage.follow(
            self.recent_changes.watching(self._follow), self._begin_anew, self._resume
        )

    # Photos.

    def by_id(self, ids: Iterable[int]) -> dict[int, Record]:
        """Return the photos with these ids; those that do not exist are left out."""
        return {key: self._record(key, document) for key, document in self._documents(ids)}

    def by_path(self, paths: Iterable[str]) -> dict[str, Record]:
        """Return the photos at these paths; those that do not exist or are away are left out."""
        wanted = list(paths)
        found = self._candidates(wanted)
        return {
            path: record
            for path, records in zip(wanted, found, strict=True)
            for record in records
            if record.photo.path == path and record.photo.away is None
        }

    def by_content(self, contents: Iterable[str]) -> dict[str, list[Record]]:
        """Return the photos with these contents, oldest first; contents without any left out."""
        wanted = [*filter(None, contents)]
        found = {
            content: [record for record in records if record.photo.content == content]
            for content, records in zip(wanted, self._candidates(wanted), strict=True)
        }
        return {content: records for content, records in found.items() if records}

    def fingerprints(self, contents: Iterable[str]) -> dict[str, str]:
        """Return the fingerprints of contents; those of which none is known are left out."""
        # Hundreds are asked for with each query.
        asked = [*filter(None, contents)]
        known = self._known.fingerprints(asked)
        found = {content: text for content, text in known.items() if text is not None}
        wanted = {*asked} - known.keys()
        if not wanted:
            return found
        candidates = self._known.keys.candidates([*wanted])
        ids = dict.fromkeys(chain.from_iterable(candidates))
        for raw in self._raw_documents(ids).values():
            if (fingerprint := _FINGERPRINT.search(raw)) and (content := _CONTENT.search(raw)):
                name = content[1].decode("ascii")
                if name in wanted:
                    found[name] = fingerprint[1].decode("ascii")
        return found

    def rows(self, space: str, where: Filter) -> npt.NDArray[np.int64]:
        """Return the row in a space of each photo that a filter lets pass and that has one, (n,).

        Folders and days are told without decoding any photo.
        """
        columns = self._known.columns
        if not columns.can_tell(where) or os.sep != "/":  # Elsewhere paths may end otherwise.
            rows = (record.rows.get(space) for record in self.select(where))
            return np.array([row for row in rows if row is not None], np.int64)
        found = columns.rows(space, where).astype(np.int64)
        named = self._candidates([where.folder])[0] if where.folder is not None else []
        more = [
            rows[space]
            for photo, rows in named  # A photo may be what the folder names.
            if photo.path == where.folder and space in rows and where.passes(photo)
        ]
        return np.concatenate([found, np.array(more, np.int64)])

    def select(self, where: Filter = EVERYTHING) -> Iterator[Record]:
        """Iterate over the photos that a filter lets pass, as they are now.

        Only documents are decoded that may pass, by what can be told of them undecoded.
        """
        if not self._may_pass(where):
            return
        first, *others = sorted(_parts(where), key=len, reverse=True) or [b""]
        raws = self.storage.documents("photos").holding(first)
        chosen = (
            (key, raw)
            for key, raw in raws
            if all(part in raw for part in others) and key not in self._known.odd
        )
        while batch := list(islice(chosen, _BATCH)):
            documents = decode_all(raw for _, raw in batch)
            for (key, _), document in zip(batch, documents, strict=True):
                record = self._record(key, document)
                if where == EVERYTHING or where.passes(record.photo):
                    yield record

    def moments(self) -> Iterator[tuple[str, int, bool]]:
        """Iterate over when each photo was taken, with its id and whether it failed.

        That is told by documents that are not decoded as a whole: all of them are asked for.
        """
        odd = self._known.odd
        for key, raw in self.storage.documents("photos").snapshot():
            if key not in odd:
                yield _moment_in(raw), key, _FAILURE in raw

    def count(self, where: Filter = EVERYTHING) -> int:
        """Return how many photos a filter lets pass; decodes none for a folder and failures."""
        if not self._may_pass(where):
            return 0
        if where == Filter(folder=where.folder, failed=where.failed):
            if where.folder is None:
                photos = self.counts().photos
                among = {None: photos, True: self._known.failed}
                return among.get(where.failed, photos - self._known.failed)
            return self._count_below(where.folder, where.failed)
        if where in (Filter(embedded=where.embedded), Filter(lacking=where.lacking)):
            counts = self.space_counts(where.embedded or where.lacking or "")
            return counts.embedded if where.embedded else counts.lacking
        return sum(1 for _ in self.select(where))

    def counts(self) -> Counts:
        """Return how many photos there are."""
        known = self._known
        photos = len(self._photos) - len(known.odd)
        return Counts(photos, known.failed, known.preliminary, known.unmarked, known.noted)

    def put_photo(self, photo: Photo, rows: Mapping[str, int]) -> Photo:
        """Insert a photo, or replace the one with its id; return it as it is now."""
        identifier = photo.id
        if not 0 < photo.id <= self._known.last_id:
            # TinyDB's own numbers may be those of photos that were removed, and may come back.
            self._known.last_id = identifier = self._known.last_id + 1
        _put(self._photos, identifier, from_photo(photo, rows))
        said = self.tag_judgements.of(photo.content)
        return replace(photo, id=identifier, spaces=tuple(rows), said=said)

    def remove_photos(self, ids: Iterable[int]) -> None:
        """Remove the photos with these ids."""
        self._photos.remove(doc_ids=ids)

    # Folders.

    def folders(self) -> list[Folder]:
        """Return the folders, oldest first."""
        return [folder for _, folder in sorted(self.known_folders.items())]

    def put_folder(self, folder: Folder) -> Folder:
        """Insert a folder, or replace the one with its path; return it with its id."""
        known = {folder.path: identifier for identifier, folder in self.known_folders.items()}
        identifier = _put(self._folders, known.get(folder.path, 0), from_folder(folder))
        return replace(folder, id=identifier)

    def remove_folder(self, path: str) -> None:
        """Remove the folder at ``path``."""
        known = self.known_folders.items()
        self._folders.remove(doc_ids=[one for one, folder in known if folder.path == path])

    # Contents that a person told apart.

    def told_apart(self) -> frozenset[Pair]:
        """Return the pairs of contents that were told apart."""
        return frozenset([*self._known_pairs.values()])

    def tell_apart(self, pairs: Iterable[Pair]) -> None:
        """Insert pairs that are not known yet."""
        new = sorted({*pairs} - self.told_apart())
        self._pairs.insert_multiple({"first": first, "second": second} for first, second in new)

    def forget_apart(self, pairs: Iterable[Pair]) -> None:
        """Remove pairs, where they are known."""
        gone = {*pairs}
        known = self._known_pairs.items()
        self._pairs.remove(doc_ids=[one for one, pair in known if pair in gone])

    # Spaces.

    def spaces(self) -> list[StoredSpace]:
        """Return the spaces, oldest first."""
        return [*self._known_spaces.values()]

    def put_space(self, space: StoredSpace) -> None:
        """Insert a space, or replace the one with its id."""
        known = {one.id: identifier for identifier, one in self._known_spaces.items()}
        _put(self._spaces, known.get(space.id, 0), from_space(space))

    def remove_space(self, space: StoredSpace) -> None:
        """Remove a space, and what photos know of it."""
        for photo, rows in self.select():
            if space.id in rows or space.id in photo.refusals:
                left = photo.without_space(space.id).without_refusal(space.id)
                self.put_photo(left, {one: row for one, row in rows.items() if one != space.id})
        known = self._known_spaces.items()
        self._spaces.remove(doc_ids=[one for one, known in known if known.id == space.id])

    def space_counts(self, space: str) -> SpaceCounts:
        """Return how far a space is."""
        tally = self._known.tallies.get(space, NO_TALLY)
        lacking = self._known.embeddable - tally.settled
        return SpaceCounts(tally.embedded, lacking, tally.refused, tally.contents)

    def references(self, space: StoredSpace) -> npt.NDArray[np.int32]:
        """Return how many photos refer to each committed row of a space, (rows,)."""
        counts = np.zeros(space.rows, np.int32)
        tally = self._known.tallies.get(space.id, NO_TALLY)
        known = np.array(tally.references[: space.rows])
        counts[: len(known)] = known
        return counts

    def contents(self, space: str) -> RowContents:
        """Return which content each row of a space is of."""
        return self._known.contents(space)

    def release(self) -> None:
        """Release the memory that looking up rows takes."""
        self._known.release()

    def keep_checkpoint(self, *, now: bool = False) -> None:
        """Keep what is known for the next one to open this, where much came since; or ``now``."""
        self.storage.keep_checkpoint(self._known.facts, self._known.arrays, now=now)

    # What is kept in memory beside the documents, so that looking up is fast.

    def _begin_anew(self) -> None:
        self.recent_changes.begin()
        self._begin()

    def _begin(self) -> None:
        """Know nothing of any document."""
        self.known_folders = {}
        self._known_pairs: dict[int, Pair] = {}
        self.judgements.forget()
        self.tag_judgements.forget()
        # Documents that are none of what their table holds, by their ids; photos are known apart.
        self._odd_others: set[tuple[str, int]] = set()
        self._known_spaces: dict[int, StoredSpace] = {}  # By the id of their documents.
        self._known = KnownPhotos(self._known.last_id)

    def _resume(self, checkpoint: Checkpoint) -> bool:
        """Go on from what was known of all photos; return whether that can be."""
        try:
            known = KnownPhotos.resumed(checkpoint.facts, checkpoint.arrays)
        except (KeyError, ValueError, TypeError, AttributeError):
            return False  # Another photofind wrote it.
        if known is not None:
            self._known = known
        return known is not None

    def _record(self, identifier: int, document: dict[str, Any]) -> Record:
        """Return the photo of a document, which is used up, with what was said of its tags."""
        said = self.tag_judgements.of(document.get("content", ""))
        return photo_of(identifier, document, said)

    def _documents(self, ids: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Return the documents of photos with these ids; those that do not exist are left out."""
        raws = self._raw_documents(ids)
        return zip(raws, decode_all(raws.values()), strict=True)

    def _raw_documents(self, ids: Iterable[int]) -> dict[int, bytes]:
        wanted = [one for one in ids if one not in self._known.odd]
        return self.storage.documents("photos").some(wanted)

    def _candidates(self, keys: list[str]) -> list[list[Record]]:
        """Return, for each of some paths or contents, the photos that may have it, oldest first."""
        candidates = self._known.keys.candidates(keys)
        records = self.by_id({identifier: None for some in candidates for identifier in some})
        return [[records[one] for one in some if one in records] for some in candidates]

    def _may_pass(self, where: Filter) -> bool:
        """Return whether any photo may pass, by what is counted of them all."""
        known = self._known
        return (
            (where.failed is not True or known.failed > 0)
            and (not where.refused or any(tally.refused for tally in known.tallies.values()))
            and (not where.passing or known.passing > 0)
            and (not where.preliminary or known.preliminary > 0)
            and (not where.unmarked or known.unmarked > 0)
            and (not (where.noted and where.failed is False) or known.noted > 0)
            and (where.embedded is None or self.space_counts(where.embedded).embedded > 0)
            and (where.lacking is None or self.space_counts(where.lacking).lacking > 0)
        )

    def _count_below(self, folder: str, failed: bool | None) -> int:
        """Return how many photos lie below a folder, at any depth, or are what it names."""
        above = os.path.join(folder, "")  # noqa: PTH118
        if not above.endswith(os.sep):  # On Windows it may end otherwise.
            return sum(1 for _ in self.select(Filter(folder=folder, failed=failed)))
        below = [
            sum(n for name, n in [*some.items()] if (name + os.sep).startswith(above))
            for some in self._known.in_folders
        ]
        for photo, _ in self._candidates([folder])[0]:
            if photo.path == folder:
                below[0] += 1
                below[1] += photo.failure is not None
        return {None: below[0], True: below[1]}.get(failed, below[0] - below[1])

    def _follow(self, changes: Iterable[Change]) -> None:
        if self._known_spaces:
            changes = list(changes)
            self._begin_generations(changes)
        changes = iter(changes)
        while batch := list(islice(changes, _BATCH)):
            for change in batch:
                if change.table == "spaces":
                    self._follow_space(change)
                if change.table == "folders":
                    self._follow_folder(change)
                if change.table == "apart":
                    self._follow_pair(change)
                if change.table == "judgements":
                    self.judgements.follow(change.id, self._decoded(change, is_judgement))
                if change.table == "tags":
                    document = self._decoded(change, is_tag_judgement)
                    self.tag_judgements.follow(change.id, document)
            self._known.follow([change for change in batch if change.table == "photos"])
        self._known.settle()

    def _decoded(
        self, change: Change, is_sound: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any] | None:
        """Return the document of anything but a photo; None if it is gone, or is none."""
        (document,) = decode_each([change.after])
        if change.after is None or is_sound(document):
            self._odd_others.discard((change.table, change.id))
        else:
            self._odd_others.add((change.table, change.id))
        return document if change.after is not None and is_sound(document) else None

    @property
    def odd(self) -> int:
        """How many documents are set aside: they are none of what tables hold."""
        return len(self._known.odd) + len(self._odd_others)

    def remove_odd(self) -> None:
        """Remove the documents that are set aside."""
        gone = {
            "photos": self._known.odd.copy(),
            "folders": set(),
            "spaces": set(),
            "apart": set(),
            "judgements": set(),
            "tags": set(),
        }
        for table, identifier in self._odd_others:
            gone[table].add(identifier)
        with self.storage.transaction():
            for table, identifiers in gone.items():
                self.storage.change(table, dict.fromkeys(identifiers))

    def _begin_generations(self, changes: Iterable[Change]) -> None:
        """Keep the contents of rows that are about to be renumbered for those who still read."""
        for change in changes:
            old = self._known_spaces.get(change.id) if change.table == "spaces" else None
            if old is not None and (document := self._decoded(change, is_space)) is not None:
                new = space_of(document)
                if old.generation != new.generation:
                    self._known.begin_generation(old.id)

    def _follow_folder(self, change: Change) -> None:
        known = {one: folder for one, folder in self.known_folders.items() if one != change.id}
        if (document := self._decoded(change, is_folder)) is not None:
            known[change.id] = folder_of(change.id, document)
        self.known_folders = known

    def _follow_pair(self, change: Change) -> None:
        if (document := self._decoded(change, is_pair)) is not None:
            self._known_pairs[change.id] = document["first"], document["second"]
        else:
            self._known_pairs.pop(change.id, None)

    def _follow_space(self, change: Change) -> None:
        # Another dict, for others may be going through this one.
        known = {one: space for one, space in self._known_spaces.items() if one != change.id}
        if (document := self._decoded(change, is_space)) is not None:
            known = self._known_spaces | {change.id: space_of(document)}
        elif (gone := self._known_spaces.get(change.id)) is not None:
            self._known.forget_contents(gone.id)
        self._known_spaces = known


def _moment_in(raw: bytes) -> str:
    """Return when the photo of a raw document was taken, as the photo would say."""
    if captured := _CAPTURED.search(raw):
        return captured[1].decode("utf-8", "replace")
    if b'"captured":' not in raw and (modified := _MODIFIED.search(raw)):
        return Photo("", modified=int(modified[1])).moment
    return photo_of(0, decode(raw)).photo.moment


def _parts(where: Filter) -> list[bytes]:
    """Return what the raw documents of all photos hold that pass a filter."""
    parts = {
        _FAILURE: where.failed is True,
        _REFUSALS: where.refused,
        _RETRY: where.passing,
        _NOTE: where.noted,
        _PRELIMINARY: where.preliminary,
    }
    holding = [part for part, wanted in parts.items() if wanted]
    return holding if where.folder is None else [*holding, _below(where.folder)]


def _below(folder: str) -> bytes:
    return b'"path":' + json.dumps(folder).encode("ascii")[:-1]


def _put(table: JournalTable, identifier: int, document: dict[str, Any]) -> int:
    """Insert a document under an id, or one of its own for 0, or replace the one with it."""
    if table.replace(identifier, document):
        return identifier
    return table.insert(Document(document, identifier) if identifier else document)
