"""Files become photos of the library: read in batches, each committed while the next is read."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from photofind.errors import NotAnsweringError, WorkerStoppedError
from photofind.extractors.extracted import Extracted
from photofind.indexing.batch_commit import BatchCommit, Outcome
from photofind.indexing.batches import BatchProgress
from photofind.indexing.departed import Departed
from photofind.indexing.giving_way import giving_way
from photofind.indexing.scan import Found
from photofind.library.store import Store
from photofind.model import Progress
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["Contents", "OtherExtractorError", "Reader", "Unread", "contents_of_sizes"]

_MOST_GIVING_WAY = 3
"""How often reading a slow photo is broken off; then it is read whatever comes."""

_MOST_EXPECTED = 4096
"""So many files that come next are told to a fleet, which keeps all of its workers busy."""

Contents = defaultdict[int, set[str]]
"""Contents that have an embedding, by their size in bytes."""

log = logging.getLogger(__name__)


class OtherExtractorError(Exception):
    """What was read was made by another build of the extractor than the reader's space is of."""


@dataclass
class Unread:
    """What a reading left.

    Parameters
    ----------
    done
        How many of the files were dealt with, from the first on.
    lacking
        Files without an embedding: the photo whose embedding they were to share was replaced
        before they came. They are to be read again.
    put_off
        Files that take long. They are to be read again after others, each by itself.
    without_thumbnail
        Files of which only the thumbnail inside was to be read, and that have none.
    silent
        The folder that does not answer, where the reading ended for that.
    gave_way
        Whether a batch was broken off for what is more urgent.
    """

    done: int = 0
    lacking: list[Found] = field(default_factory=list)
    put_off: list[Found] = field(default_factory=list)
    without_thumbnail: list[Found] = field(default_factory=list)
    silent: str | None = None
    gave_way: bool = False


class Reader:
    """Reads files with one extractor and commits them to its space.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Reads and embeds photos.
    space
        The id of the space of the embeddings.
    departed
        Photos that were removed lately.
    on_commit
        Called after each commit with what became of each file, by path, in another thread.
    reach
        Looks at files that could not be read.
    made_by
        The identity of the extractor; what another one made is not committed.
    """

    def __init__(
        self,
        store: Store,
        extraction: Extraction,
        space: str,
        departed: Departed,
        *,
        on_commit: Callable[[dict[str, Outcome]], None] = lambda outcomes: None,
        reach: Reach | None = None,
        made_by: str | None = None,
    ) -> None:
        self._reach = reach or Reach()
        self._made_by = made_by
        self._store = store
        self._extraction = extraction
        self._space = space
        self._departed = departed
        self._on_commit = on_commit
        # How often photos that were put off gave way to others, by path.
        self._slow: dict[str, int] = {}

    def read(
        self,
        files: Sequence[Found],
        contents: Contents,
        progress: BatchProgress,
        *,
        previews: bool = False,
        afresh: bool = False,
        go_on: Callable[[], bool] = lambda: True,
        hold_out: Callable[[float], bool] = lambda seconds: True,
        show: Callable[[Progress], None] = lambda progress: None,
    ) -> Unread:
        """Read and commit files, and return what is left of them.

        Parameters
        ----------
        contents
            The contents that have an embedding; grows by those that are read.
        progress
            How far it was so far; it is told how far this gets.
        previews
            Whether to read only the thumbnails inside files, where they have one.
        afresh
            Whether refusals end of photos that are tried again: the other extractors try them too.
        go_on
            Asked before each batch, and while a slow photo is read, in another thread: what is more
            urgent is not to wait for it.
        hold_out
            Asked while a batch is read, in another thread, with the seconds since the extractor
            last showed progress: whether the batch goes on.
        show
            Called with how far it is, before each batch and in the end.

        Raises
        ------
        OtherExtractorError
            The extractor is not what it was; nothing of the batch is committed.
        LibraryError
            The disk refused; what was committed before stays.
        ExtractorError
            The extractor does not work at all.
        """
        unread = Unread()
        committing: Future[list[Found]] | None = None
        with ThreadPoolExecutor(1) as committer:
            try:
                while go_on() and (batch := self._batch(files[unread.done :], progress.batch)):
                    show(progress.progress)
                    self._expect(files[unread.done :], contents, previews=previews)
                    try:
                        with self._holding_out(hold_out) as broken_off:
                            extracted = self._extract(batch, contents, go_on, previews=previews)
                    except NotAnsweringError as error:
                        unread.silent = error.folder
                        break
                    except WorkerStoppedError:
                        if not broken_off.is_set():
                            raise
                        unread.gave_way = True
                        break
                    if committing:
                        unread.lacking += committing.result()
                    ready: list[tuple[Found, Extracted]] = []
                    for file, one in zip(batch, extracted, strict=True):
                        if one is None:
                            unread.without_thumbnail.append(file)
                        elif one.put_off:
                            self._slow.setdefault(file.path, 0)
                            unread.put_off.append(file)
                        else:
                            ready.append((file, one))
                    committing = committer.submit(self._commit, ready, progress, afresh)
                    unread.done += len(batch)
                    progress.advance(len(batch))
            finally:
                # However it ended: what was read is committed, or the error says why not.
                if committing:
                    unread.lacking += committing.result()
        show(progress.progress)
        return unread

    @contextmanager
    def _holding_out(self, hold_out: Callable[[float], bool]) -> Iterator[threading.Event]:
        """Break a batch off, while the block runs, once it is not to go on; tell by an event."""
        broken_off = threading.Event()
        began = time.monotonic()

        def is_to_go_on() -> bool:
            return hold_out(min(self._extraction.silence, time.monotonic() - began))

        def break_off() -> None:
            broken_off.set()
            self._extraction.close()

        with giving_way(is_to_go_on, break_off):
            yield broken_off

    def _batch(self, files: Sequence[Found], most: int) -> Sequence[Found]:
        """Return the files to read next: a slow one by itself, or some others."""
        slow = (place for place, file in enumerate(files[:most]) if file.path in self._slow)
        return files[: max(next(slow, most), 1)]

    def _expect(self, files: Sequence[Found], contents: Contents, *, previews: bool) -> None:
        """Tell a fleet of the files that come next."""
        if not self._extraction.has_fleet:
            return
        files = [file for file in files[:_MOST_EXPECTED] if file.path not in self._slow]
        known = () if previews else self._known(files, contents)
        self._extraction.expect([file.path for file in files], known, previews=previews)

    def _known(self, files: Sequence[Found], contents: Contents) -> set[str]:
        """Return the contents that have an embedding and may be those of these files."""
        known: set[str] = set()
        for size in {file.size for file in files}:
            known |= contents.get(size, set()) | self._departed.contents(size, self._space)
        return known

    def _extract(
        self,
        batch: Sequence[Found],
        contents: Contents,
        go_on: Callable[[], bool],
        *,
        previews: bool,
    ) -> Sequence[Extracted | None]:
        paths = [file.path for file in batch]
        if previews:
            return self._checked(self._extraction.extract_previews(paths))
        known = self._known(batch, contents)
        # One that comes first by itself is not known to be slow, and others may come after it.
        extracted: Sequence[Extracted]
        if paths[0] in self._slow:
            extracted = [self._extract_slow(paths[0], known, go_on)]
        else:
            extracted = self._extraction.extract(paths, known=known, in_company=True)
        self._checked(extracted)
        for file, one in zip(batch, extracted, strict=True):
            if one.failure is None and not one.put_off:
                contents[file.size].add(one.content)
        return extracted

    def _checked(self, extracted: Sequence[Extracted | None]) -> Sequence[Extracted | None]:
        """Return what was extracted.

        Raises
        ------
        OtherExtractorError
            Another build of the extractor made some of it.
        """
        makers = {one.made_by for one in extracted if one is not None}
        if self._made_by is not None and makers - {None, self._made_by}:
            raise OtherExtractorError
        return extracted

    def _extract_slow(self, path: str, known: set[str], go_on: Callable[[], bool]) -> Extracted:
        """Read a photo that takes long, or put it off again where something more urgent comes."""
        may_go_on = go_on if self._slow[path] < _MOST_GIVING_WAY else lambda: True
        try:
            with giving_way(may_go_on, self._extraction.close):
                (extracted,) = self._extraction.extract([path], known=known)
        except WorkerStoppedError:
            if may_go_on():
                raise
            self._slow[path] += 1
            return Extracted(path=path, put_off=True)
        del self._slow[path]
        return extracted

    def _commit(
        self, batch: Sequence[tuple[Found, Extracted]], progress: BatchProgress, afresh: bool
    ) -> list[Found]:
        """Commit what was read; return the files that lack an embedding after all."""
        commit = BatchCommit(self._store, self._space, self._departed, batch, afresh=afresh)
        for file, one in batch:
            try:
                is_gone = one.failure is not None and not self._reach.call(
                    file.path, os.path.lexists, file.path
                )
            except NotAnsweringError:
                commit.lacking.append(file)
            else:
                commit.add(file, one, is_gone=is_gone)
        commit.write()
        progress.failed += commit.failed
        self._on_commit(commit.outcomes)
        return commit.lacking


def contents_of_sizes(store: Store, space: str, sizes: Collection[int]) -> Contents:
    """Return the contents of these sizes, in bytes, that need not be decoded for a space."""
    contents: Contents = defaultdict(set)
    if sizes:
        for photo in store.select():
            if photo.size in sizes and space in photo.spaces and photo.fingerprint is not None:
                contents[photo.size].add(photo.content)
    return contents
