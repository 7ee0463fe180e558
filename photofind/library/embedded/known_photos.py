"""What is kept in memory of all photos of a catalog: where to look them up, and how many."""

from __future__ import annotations

import os
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError
from photofind.library.embedded.changes import Change, decode_all
from photofind.library.embedded.contents import RowContents
from photofind.library.embedded.key_index import KeyIndex, hash_of
from photofind.library.embedded.photo_columns import PhotoColumns
from photofind.library.embedded.records import PHOTO_SHAPE, is_photo
from photofind.library.embedded.row_fingerprints import UNCLEAR, RowFingerprints
from photofind.model.records import PRELIMINARY

__all__ = ["NO_TALLY", "KnownPhotos", "Tally", "decode_each"]

# What a checkpoint keeps of this: it is raised when that changes, or what is counted.
_KEPT = 2

_ABSENT: dict[str, Any] = {}

Arrays = Mapping[str, npt.NDArray[Any]]


class Tally:
    """What is counted of a space.

    Attributes
    ----------
    references
        How many photos refer to each row.
    embedded, refused, contents
        As in :class:`~photofind.library.store.SpaceCounts`.
    settled
        How many photos, of those that are to be embedded whole, are embedded or refused.
    """

    def __init__(self) -> None:
        self.references = array("i")
        self.embedded = self.refused = self.contents = self.settled = 0

    def refer(self, row: int, count: int) -> int:
        """Note that one photo more (1) or less (-1) refers to a row; return how many do now."""
        references = self.references
        if row >= len(references):
            references.extend([0] * (row + 1 - len(references)))
        references[row] = after = references[row] + count
        self.embedded += count
        if after == (count > 0):  # The first one came, or the last one went.
            self.contents += count
        return after


NO_TALLY = Tally()


class KnownPhotos:
    """What is known of all photos, from one change of their documents to the next.

    Attributes
    ----------
    odd
        The ids of documents that are none of a photo.
    last_id
        The highest id that a photo ever had, as far as is known.
    keys
        The photos by their paths and their contents.
    tallies
        What is counted of each space.
    failed, passing, preliminary, unmarked, noted
        How many photos are so, as in :class:`~photofind.library.store.Counts`.
    embeddable
        How many are to be embedded whole, by each extractor that does not refuse them.
    in_folders
        How many lie right in each folder, and how many of these failed.
    columns
        What filters ask of each.
    """

    def __init__(self, last_id: int = 0) -> None:
        self.odd: set[int] = set()
        self.last_id = last_id
        self.keys = KeyIndex()
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.failed = self.passing = self.preliminary = self.unmarked = self.noted = 0
        self.embeddable = 0
        self.in_folders = Counter[str](), Counter[str]()
        self._contents: dict[str, RowContents] = {}
        # Of a content that several spaces have, in one of them.
        self._fingerprints: dict[str, RowFingerprints] = {}
        self.columns = PhotoColumns()
        self._hashes, self._ids = array("q"), array("q")  # Of keys that `settle` has to add.

    def contents(self, space: str) -> RowContents:
        """Return which content each row of a space is of."""
        return self._contents.setdefault(space, RowContents())

    def forget_contents(self, space: str) -> None:
        """Forget the contents of a space that is gone."""
        self._contents.pop(space, None)
        self._fingerprints.pop(space, None)

    def begin_generation(self, space: str) -> None:
        """Keep the contents of rows that are about to be renumbered for those who still read."""
        if space in self._contents:
            self._contents[space] = self._contents[space].copy()
            self._fingerprints.pop(space, None)

    def fingerprints(self, contents: Sequence[str]) -> dict[str, str | None]:
        """Return the fingerprints of contents with a row, None where they have none.

        Left out is what the documents have to be asked for.
        """
        found: dict[str, str | None] = {}
        left = contents
        for space, fingerprints in [*self._fingerprints.items()]:
            rows = self.contents(space).rows(left)
            there = np.flatnonzero(rows >= 0)
            texts = fingerprints.texts(rows[there])
            if len(texts) == len(left) and all(texts):  # Nearly always.
                return found | dict(zip(left, texts, strict=True))
            found.update(zip([left[place] for place in there.tolist()], texts, strict=True))
            left = [content for content in left if found.get(content) is None]
            if not left:
                break
        return {content: text for content, text in found.items() if text != UNCLEAR}

    def release(self) -> None:
        """Release the memory that looking up rows takes."""
        for contents in [*self._contents.values()]:
            contents.release()

    def follow(self, changes: Sequence[Change]) -> None:
        """Take in some changes of photos; their keys are found once all are settled."""
        if not changes:
            return
        before = (
            decode_all(None if change.id in self.odd else change.before for change in changes)
            if any(change.before for change in changes)
            else [_ABSENT] * len(changes)
        )
        after = self._set_aside(changes)
        contents: defaultdict[str, dict[int, str]] = defaultdict(dict)
        fingerprints: defaultdict[str, dict[int, str | None]] = defaultdict(dict)
        for change, old, new in zip(changes, before, after, strict=True):
            self.last_id = max(self.last_id, change.id)
            if old:
                self._refer(old, -1, contents)
            if new:
                self._refer(new, +1, contents)
            self._mark(old, new, fingerprints)
            for name in ("path", "content"):
                if (key := new.get(name)) and key != old.get(name):
                    self._hashes.append(hash_of(key))
                    self._ids.append(change.id)
        for space, some in contents.items():
            self.contents(space).put(some)
        for space, marks in fingerprints.items():
            self._fingerprints.setdefault(space, RowFingerprints()).put(marks)
        self.columns.put([change.id for change in changes], after)

    def settle(self) -> None:
        """Have the keys found of what was followed."""
        self.keys.add(self._hashes, self._ids)
        self._hashes, self._ids = array("q"), array("q")

    # What a checkpoint keeps.

    def facts(self) -> dict[str, Any]:
        """Return the counts, as JSON can have them."""
        return {
            "kept": _kept(),
            "counts": [getattr(self, name) for name in _COUNTS],
            "tallies": {
                space: [tally.embedded, tally.refused, tally.contents, tally.settled]
                for space, tally in self.tallies.items()
            },
            "spaces": [*self._contents],
            "in_folders": self.in_folders,
            "marked": [*self._fingerprints],
            "columns": self.columns.facts(),
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rest, as arrays."""
        hashes, ids = self.keys.entries()
        arrays: dict[str, npt.NDArray[Any]] = {"hashes": hashes, "ids": ids}
        arrays["odd"] = np.array([*self.odd], np.int64)
        for place, tally in enumerate(self.tallies.values()):
            arrays[f"references_{place}"] = np.array(tally.references)
        for place, contents in enumerate(self._contents.values()):
            arrays[f"contents_{place}"], arrays[f"digests_{place}"] = contents.columns()
        for place, fingerprints in enumerate(self._fingerprints.values()):
            columns = fingerprints.columns()
            arrays[f"fingerprints_{place}"], arrays[f"fingerprinted_{place}"] = columns
        return arrays | self.columns.arrays()

    @classmethod
    def resumed(cls, facts: Mapping[str, Any], arrays: Arrays) -> KnownPhotos | None:
        """Return what had these facts and arrays; None if another photofind kept other ones."""
        if facts.get("kept") != _kept():
            return None
        known = cls()
        for name, value in zip(_COUNTS, facts["counts"], strict=True):
            setattr(known, name, value)
        everywhere, failed = facts["in_folders"]
        known.in_folders = Counter(everywhere), Counter(failed)
        known.odd = {*arrays["odd"].tolist()}
        known.keys = KeyIndex(arrays["hashes"], arrays["ids"])
        for place, (space, counted) in enumerate(facts["tallies"].items()):
            tally = known.tallies[space]
            tally.embedded, tally.refused, tally.contents, tally.settled = counted
            tally.references.frombytes(arrays[f"references_{place}"].tobytes())
        for place, space in enumerate(facts["spaces"]):
            columns = arrays[f"contents_{place}"], arrays[f"digests_{place}"]
            known._contents[space] = RowContents(*columns)
        for place, space in enumerate(facts["marked"]):
            marks = arrays[f"fingerprints_{place}"], arrays[f"fingerprinted_{place}"]
            known._fingerprints[space] = RowFingerprints(*marks)
        known.columns = PhotoColumns.resumed(facts["columns"], arrays)
        return known

    def _set_aside(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        """Return the documents that photos become, an empty one for what is none of a photo."""
        documents = decode_each(change.after for change in changes)
        for place, (change, document) in enumerate(zip(changes, documents, strict=True)):
            if change.after is None or is_photo(document):
                self.odd.discard(change.id)
            else:
                self.odd.add(change.id)
                documents[place] = _ABSENT
        return documents

    def _refer(
        self,
        document: Mapping[str, Any],
        count: int,
        contents: defaultdict[str, dict[int, str]],
    ) -> None:
        content, rows = document.get("content", ""), document.get("rows", _ABSENT)
        failed, refusals = "failure" in document, document.get("refusals", _ABSENT)
        is_preliminary = content[:1] == PRELIMINARY
        is_embeddable = not is_preliminary and (not failed or bool(refusals))
        self.failed += count * failed
        self.passing += count * ("retry" in document)
        self.noted += count * ("note" in document and not failed)
        self.preliminary += count * is_preliminary
        if "fingerprint" not in document and rows and not is_preliminary:
            self.unmarked += count
        self.embeddable += count * is_embeddable
        folder = document["path"].rpartition(os.sep)[0]
        _add(self.in_folders[0], folder, count)
        if failed:
            _add(self.in_folders[1], folder, count)
        for space in refusals:
            tally = self.tallies[space]
            tally.refused += count
            tally.settled += count * (is_embeddable and space not in rows)
        for space, row in rows.items():
            tally = self.tallies[space]
            tally.settled += count * is_embeddable
            left = tally.refer(row, count)
            if count > 0 or not left:
                contents[space][row] = content if left else ""

    def _mark(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        fingerprints: defaultdict[str, dict[int, str | None]],
    ) -> None:
        """Note the fingerprint of the content of a photo, by the first of its rows.

        Another photo of that content may have one where this one has none any more.
        """
        if "fingerprint" in old and (before := old.get("rows")):
            space, row = next(iter(before.items()))
            fingerprints[space][row] = UNCLEAR
        if after := new.get("rows"):
            space, row = next(iter(after.items()))
            is_alone = self.tallies[space].references[row] == 1 and "fingerprint" not in old
            fingerprints[space][row] = new.get("fingerprint", None if is_alone else UNCLEAR)


_COUNTS = ["last_id", "failed", "passing", "preliminary", "unmarked", "noted", "embeddable"]


def _add(counter: Counter[str], name: str, count: int) -> None:
    counter[name] += count
    if not counter[name]:
        del counter[name]


def _kept() -> str:
    """Return what differs where another photofind takes other documents for photos.

    Or where the clock is another: when a file changed is kept as a date there.
    """
    shape = sorted((name, [*map(repr, kinds)]) for name, kinds in PHOTO_SHAPE.items())
    return f"{_KEPT} {time.tzname} {time.timezone} {shape}"


def decode_each(raws: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """Decode documents, at once if all are sound; an empty one for None and what is none."""
    raws = list(raws)
    try:
        return decode_all(raws)
    except DamagedError:
        return [_decode_one(raw) for raw in raws]


def _decode_one(raw: bytes | None) -> dict[str, Any]:
    try:
        return decode_all([raw])[0]
    except DamagedError:
        return {}
