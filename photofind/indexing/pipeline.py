"""From folders to a library: survey them, then read what is new and commit it batch by batch."""

from __future__ import annotations

import math
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from photofind.indexing.scan import SETTLE, Found
from photofind.indexing.survey import survey
from photofind.library.catalog import Folder, Photo
from photofind.library.library import Library
from photofind.values import Progress, Report, Skipped

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.extraction import Extracted, Extraction

__all__ = ["index"]

BATCH_SECONDS = 1.5
"""How long reading a batch should take: so much work is lost when it is cut short."""

SMALLEST_BATCH, LARGEST_BATCH = 16, 1024


def index(
    library: Library,
    extraction: Extraction,
    space: str,
    folders: Sequence[Folder] | None = None,
    *,
    excludes: Sequence[str] = (),
    accept_removals: bool = False,
    retry_failed: bool = False,
    settle: float = SETTLE,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Report:
    """Make the library hold what its folders hold, reading only what is new or changed.

    Safe to interrupt at any moment: what is committed stays, and the next run does the rest. So
    it is also the way back from anything that was missed.

    Parameters
    ----------
    library
        Open for writing.
    extraction
        Reads and describes photos.
    space
        The id of the space that its vectors belong to.
    folders
        Those to index, out of the library's; all of them where not given.
    excludes
        Exclude rules for all folders, before each folder's own.
    accept_removals
        Believe that photos are gone even where nearly all of a folder's are.
    retry_failed
        Read photos again that failed before, though they have not changed.
    settle
        Seconds for which a file must not have changed before it is read.
    progress
        Is told how far it is, several times a second at most.

    Raises
    ------
    LibraryError
        The disk refused; what was committed before stays.
    ExtractorError
        The extractor does not work at all.
    SettingsError
        An exclude rule is none.
    KeyboardInterrupt
        As it came; all batches that were read are committed.
    """
    begin = time.monotonic()

    def is_complete(photo: Photo) -> bool:
        return not retry_failed if photo.failure is not None else space in photo.rows

    progress(Progress("looking for photos", 0))
    seen = survey(
        library,
        library.folders() if folders is None else folders,
        is_complete,
        excludes=excludes,
        accept_removals=accept_removals,
        settle=settle,
        on_found=_now_and_then(lambda count: progress(Progress("looking for photos", count))),
    )
    for folder in seen.folders:
        library.put_folder(folder)
    changes = seen.changes
    library.commit([*changes.moved, *changes.renumbered])

    # A gone photo whose size an unread file has may have moved there; only the content can tell.
    # Until then it stays, and its vector with it.
    sizes = {file.size for file in changes.unread}
    library.remove(photo for photo in changes.gone if photo.size not in sizes)
    homeless = [photo for photo in changes.gone if photo.size in sizes]
    reading = _Reading(library, extraction, space, homeless, progress)
    lacking = reading.read(changes.unread, _contents(library, space, sizes))
    if lacking:
        # The photos whose vectors they were to share were replaced before they came.
        reading.read(lacking, defaultdict(set))
    library.remove(reading.homeless)

    done = reading.done
    return Report(
        found=seen.found,
        unchanged=changes.unchanged + len(changes.renumbered),
        new=done["new"],
        changed=done["changed"],
        moved=done["moved"] + len(changes.moved),
        removed=len(changes.gone) - done["moved"],
        failed=done["failed"],
        kept=seen.kept,
        offline=tuple(
            Skipped(folder.path, folder.reason or "")
            for folder in seen.folders
            if folder.state == "offline"
        ),
        skipped=tuple(seen.skipped),
        seconds=time.monotonic() - begin,
    )


def _contents(library: Library, space: str, sizes: Collection[int]) -> defaultdict[int, set[str]]:
    """Return the contents of these sizes, in bytes, that have a vector in the space."""
    contents: defaultdict[int, set[str]] = defaultdict(set)
    if sizes:
        for photo in library.photos():
            if photo.size in sizes and space in photo.rows:
                contents[photo.size].add(photo.content)
    return contents


class _Reading:
    """Reads files in batches; while one batch is read, the one before it is committed.

    Parameters
    ----------
    homeless
        Photos that are gone. One whose content turns up in a new file becomes that file.

    Attributes
    ----------
    done
        How many photos were committed as "new", "changed" or "moved", and how many "failed".
    """

    def __init__(
        self,
        library: Library,
        extraction: Extraction,
        space: str,
        homeless: Iterable[Photo],
        progress: Callable[[Progress], None],
    ) -> None:
        self._library = library
        self._extraction = extraction
        self._space = space
        self._homeless: defaultdict[str, list[Photo]] = defaultdict(list)
        for photo in homeless:
            self._homeless[photo.content].append(photo)
        self._progress = progress
        self.done: Counter[str] = Counter()

    @property
    def homeless(self) -> list[Photo]:
        """The photos whose content has not turned up."""
        return list(chain.from_iterable(self._homeless.values()))

    def read(self, files: Sequence[Found], contents: defaultdict[int, set[str]]) -> list[Found]:
        """Read and commit files; return those that lack a vector and were left out for it.

        Parameters
        ----------
        contents
            By size, the contents that have a vector; grows by those that are read.
        """
        lacking: list[Found] = []
        committing: Future[list[Found]] | None = None
        pace = _Pace(len(files))
        with ThreadPoolExecutor(1) as committer:
            try:
                while batch := files[pace.done : pace.done + pace.batch]:
                    self._progress(pace.progress(self.done["failed"]))
                    known = set[str]().union(*(contents[file.size] for file in batch))
                    extracted = self._extraction.extract([file.path for file in batch], known=known)
                    for file, one in zip(batch, extracted, strict=True):
                        if one.vector is not None:
                            contents[file.size].add(one.content)
                    if committing:
                        lacking += committing.result()
                    committing = committer.submit(self._commit, batch, extracted)
                    pace.advance(len(batch))
            finally:
                # However it ended: what was read is committed, or it is said why not.
                if committing:
                    lacking += committing.result()
        self._progress(pace.progress(self.done["failed"]))
        return lacking

    def _commit(self, batch: Sequence[Found], extracted: Sequence[Extracted]) -> list[Found]:
        photos: list[Photo] = []
        vectors: dict[str, npt.NDArray[np.float32]] = {}
        lacking: list[Found] = []
        done: Counter[str] = Counter()
        for file, one in zip(batch, extracted, strict=True):
            image: Extracted | Photo | None = one
            if one.vector is not None:
                vectors[one.content] = one.vector
            elif one.failure is None:
                image = self._twin(one.content)
            elif not os.path.lexists(file.path):
                continue  # It vanished before it was read, which is no failure.
            if image is None:
                lacking.append(file)
                continue
            photo = _photo(file, one, image)
            if self._library.photo(file.path):
                done["changed"] += 1
            elif one.content and self._homeless[one.content]:
                done["moved"] += 1
                photo = replace(photo, id=self._homeless[one.content].pop().id)
            else:
                done["new"] += 1
            done["failed"] += one.failure is not None
            photos.append(photo)
        self._library.commit(photos, self._space, vectors)
        self.done += done
        return lacking

    def _twin(self, content: str) -> Photo | None:
        """Return a photo of the library that has a vector for this content."""
        twins = self._library.photos_with_content(content)
        return next((twin for twin in twins if self._space in twin.rows), None)


def _photo(file: Found, one: Extracted, image: Extracted | Photo) -> Photo:
    """Return the photo of a file; ``image`` was decoded from the same content, maybe earlier."""
    return Photo(
        path=file.path,
        size=file.size,
        modified=file.modified,
        inode=file.inode,
        content=one.content,
        width=image.width,
        height=image.height,
        format=image.format,
        captured=one.captured,
        camera=one.camera,
        latitude=one.latitude,
        longitude=one.longitude,
        keywords=one.keywords,
        caption=one.caption,
        failure=one.failure,
        sidecar=file.sidecar,
    )


class _Pace:
    """How large the next batch is, how fast it goes, and how long it will take."""

    def __init__(self, total: int) -> None:
        self.done = 0
        self.batch = SMALLEST_BATCH
        self._total = total
        self._rate: float | None = None
        self._began = time.monotonic()

    def advance(self, count: int) -> None:
        """Note that ``count`` more are done."""
        now = time.monotonic()
        rate = count / max(now - self._began, 1e-3)
        self._began = now
        self.done += count
        self._rate = rate if self._rate is None else 0.7 * self._rate + 0.3 * rate
        wanted = min(int(rate * BATCH_SECONDS), 2 * self.batch, LARGEST_BATCH)
        self.batch = max(wanted, SMALLEST_BATCH)

    def progress(self, failed: int) -> Progress:
        """Return how far it is."""
        left = (self._total - self.done) / self._rate if self._rate else None
        return Progress("reading photos", self.done, self._total, failed, self._rate, left)


def _now_and_then(tell: Callable[[int], None], seconds: float = 0.1) -> Callable[[int], None]:
    """Return ``tell``, but for calls that come within ``seconds`` after one."""
    last = -math.inf

    def tell_now_and_then(count: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            tell(count)

    return tell_now_and_then
