"""Files become photos of the library: read in batches, each committed while the next is read."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from photofind.indexing.scan import Found
from photofind.library.embedded.catalog import Photo, Tags
from photofind.library.embedded.library import Library
from photofind.model import Progress

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from photofind.extractors.extraction import Extracted, Extraction

__all__ = ["Departed", "Outcome", "Pace", "Reader", "Rest", "contents_of_sizes"]

SMALLEST_BATCH, LARGEST_BATCH = 16, 1024
MOST_DEPARTED = 50_000
MOST_TAGS = 5

Contents = defaultdict[int, set[str]]

log = logging.getLogger(__name__)


class Departed:
    """Photos that are gone, by content: one whose content turns up again has only moved.

    Those that are still in the library keep their number there. Of others the row of the vector
    is known, which stays readable until the library reclaims it. The oldest are forgotten.

    Parameters
    ----------
    space
        The id of the space whose vectors matter.
    photos
        The first of them.
    """

    def __init__(self, space: str, photos: Iterable[Photo] = ()) -> None:
        self._space = space
        self._photos: dict[str, list[Photo]] = {}
        self._contents: defaultdict[int, set[str]] = defaultdict(set)
        self.add(photos)

    def add(self, photos: Iterable[Photo]) -> None:
        """Take in photos that are gone."""
        for photo in photos:
            self._photos.setdefault(photo.content, []).append(photo)
            if self._space in photo.rows:
                self._contents[photo.size].add(photo.content)
        while len(self._photos) > MOST_DEPARTED:
            (oldest,) = self._photos.pop(next(iter(self._photos)))[:1]
            self._contents[oldest.size].discard(oldest.content)

    def contents(self, size: int) -> set[str]:
        """Return the contents of this size, in bytes, that have a vector."""
        return self._contents.get(size, set())

    def get(self, content: str) -> Photo | None:
        """Return a photo with this content."""
        return next(iter(self._photos.get(content, ())), None)

    def take(self, content: str) -> Photo | None:
        """Return a photo with this content, which has turned up: it is not departed any more."""
        photos = self._photos.get(content)
        if not photos:
            return None
        photo = photos.pop()
        if not photos:
            del self._photos[content]
            self._contents[photo.size].discard(content)
        return photo

    def clear(self) -> None:
        """Forget all of them."""
        self._photos.clear()
        self._contents.clear()

    def __iter__(self) -> Iterator[Photo]:
        for photos in self._photos.values():
            yield from photos


class Outcome(NamedTuple):
    """What became of a file.

    Parameters
    ----------
    kind
        "new", "changed", "moved"; "refined", where its preliminary vector was replaced;
        "vanished" before it was read; "unwanted", where its folder was removed meanwhile;
        "refused", where it could not be described and stays as others described it.
    failed
        Whether it could not be read.
    """

    kind: str
    failed: bool


@dataclass
class Rest:
    """What a reading left.

    Parameters
    ----------
    read
        How many of the files were dealt with, from the first on.
    lacking
        Files that lack a vector: the photo whose vector they were to share was replaced before
        they came. They are to be read again.
    without_preview
        Files of which only the embedded thumbnail was to be read, and that have none.
    """

    read: int = 0
    lacking: list[Found] = field(default_factory=list)
    without_preview: list[Found] = field(default_factory=list)


class Reader:
    """Reads files with one extractor and commits them to one space of a library.

    Parameters
    ----------
    library
        Open for writing.
    extraction
        Reads and describes photos.
    space
        The id of the space that its vectors belong to.
    departed
        Photos that are gone.
    on_commit
        Told, after each commit, what became of each file, by path. Called in another thread.
    """

    def __init__(
        self,
        library: Library,
        extraction: Extraction,
        space: str,
        departed: Departed,
        *,
        on_commit: Callable[[dict[str, Outcome]], None] = lambda outcomes: None,
    ) -> None:
        self._library = library
        self._extraction = extraction
        self._space = space
        self._departed = departed
        self._on_commit = on_commit

    def read(
        self,
        files: Sequence[Found],
        contents: Contents,
        pace: Pace,
        *,
        previews: bool = False,
        go_on: Callable[[], bool] = lambda: True,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Rest:
        """Read and commit files, and return what is left of them.

        Parameters
        ----------
        contents
            By size in bytes, the contents that have a vector; grows by those that are read.
        pace
            How fast it went so far; it is told how far this gets.
        previews
            Whether to look at embedded thumbnails only, where files have them.
        go_on
            Asked before each batch.
        progress
            Told how far it is before each batch and in the end.

        Raises
        ------
        LibraryError
            The disk refused; what was committed before stays.
        ExtractorError
            The extractor does not work at all.
        """
        rest = Rest()
        committing: Future[list[Found]] | None = None
        with ThreadPoolExecutor(1) as committer:
            try:
                while go_on() and (batch := files[rest.read : rest.read + pace.batch]):
                    progress(pace.progress)
                    extracted = self._extract(batch, contents, previews=previews)
                    if committing:
                        rest.lacking += committing.result()
                    ready = [
                        (file, one)
                        for file, one in zip(batch, extracted, strict=True)
                        if one is not None
                    ]
                    rest.without_preview += [
                        file for file, one in zip(batch, extracted, strict=True) if one is None
                    ]
                    committing = committer.submit(self._commit, ready, pace)
                    rest.read += len(batch)
                    pace.advance(len(batch))
            finally:
                # However it ended: what was read is committed, or it is said why not.
                if committing:
                    rest.lacking += committing.result()
        progress(pace.progress)
        return rest

    def _extract(
        self, batch: Sequence[Found], contents: Contents, *, previews: bool
    ) -> Sequence[Extracted | None]:
        paths = [file.path for file in batch]
        if previews:
            return self._extraction.extract_previews(paths)
        known: set[str] = set()
        for file in batch:
            known |= contents.get(file.size, set()) | self._departed.contents(file.size)
        extracted = self._extraction.extract(paths, known=known)
        for file, one in zip(batch, extracted, strict=True):
            if one.vector is not None:
                contents[file.size].add(one.content)
        return extracted

    def _commit(self, batch: Sequence[tuple[Found, Extracted]], pace: Pace) -> list[Found]:
        photos: list[Photo] = []
        vectors: dict[str, npt.NDArray[np.float32]] = {}
        lacking: list[Found] = []
        others: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
        outcomes: dict[str, Outcome] = {}
        for file, one in batch:
            image: Extracted | Photo | None = one
            if one.vector is not None:
                vectors[one.content] = one.vector
            elif one.failure is None:
                image = self._twin(one.content, vectors, others)
            elif not os.path.lexists(file.path):
                outcomes[file.path] = Outcome("vanished", False)  # Which is no failure.
                continue
            if not self._is_wanted(file.path):
                outcomes[file.path] = Outcome("unwanted", False)
                continue
            if image is None:
                lacking.append(file)
                continue
            known = self._library.photo(file.path)
            before = known if known and _is_still(known, file, one) else None
            stays = before is not None and bool(before.rows) and self._space not in before.rows
            refusals = dict(before.refusals) if before else {}
            if one.failure is not None and (one.refused or refusals or stays):
                refusals[self._space] = one.failure
            photo = replace(_photo(file, one, image, self._space), refusals=refusals)
            if before and stays and one.failure is not None:
                log.warning("%s: %s", file.path, one.failure)
                kind = "refused"
                photo = replace(
                    before,
                    refusals=refusals,
                    size=file.size,
                    modified=file.modified,
                    inode=file.inode,
                    sidecar=file.sidecar,
                )
            elif known:
                kind = "refined" if known.preliminary else "changed"
            elif one.content and (departed := self._departed.take(one.content)):
                kind = "moved"
                photo = replace(photo, id=departed.id, refusals={**departed.refusals, **refusals})
            else:
                kind = "new"
            pace.failed += one.failure is not None
            outcomes[file.path] = Outcome(kind, one.failure is not None)
            photos.append(photo)
        self._library.commit(photos, self._space, vectors)
        for space, kept in others.items():
            again = [photo for photo in photos if photo.content in kept]
            now = [
                replace(self._library.photo(photo.path) or photo, tags=photo.tags)
                for photo in again
            ]
            self._library.commit(now, space, kept)
        self._on_commit(outcomes)
        return lacking

    def _is_wanted(self, path: str) -> bool:
        return self._library.folder_of(path) is not None

    def _twin(
        self,
        content: str,
        vectors: dict[str, npt.NDArray[np.float32]],
        others: dict[str, dict[str, npt.NDArray[np.float32]]],
    ) -> Photo | None:
        """Return a photo, in the library or departed, that has a vector for this content.

        Where only a departed one has, its vector is put among ``vectors``, and those of other
        spaces among ``others``.
        """
        for twin in self._library.photos_with_content(content):
            if self._space in twin.rows:
                return twin
        departed = self._departed.get(content)
        if departed is None or self._space not in departed.rows:
            return None
        for space, row in departed.rows.items():
            (vector,) = self._library.vectors(space).rows([row])
            (vectors if space == self._space else others.setdefault(space, {}))[content] = vector
        return departed


class Pace:
    """How large the next batch is, how fast it goes, and how long it will take.

    Parameters
    ----------
    phase
        What is being done, in words.
    total
        How many files there are to read in all.
    seconds
        How long reading a batch should take: so much work is lost when it is cut short.
    """

    def __init__(self, phase: str, total: int, seconds: float = 1.5) -> None:
        self.phase = phase
        self.total = total
        self.done = 0
        self.failed = 0
        self.batch = SMALLEST_BATCH
        self._rate: float | None = None
        self._seconds = seconds
        self._began = time.monotonic()

    def begin(self) -> None:
        """Note that the reading goes on only now: what went before does not count."""
        self._began = time.monotonic()

    def advance(self, count: int) -> None:
        """Note that ``count`` more are done."""
        now = time.monotonic()
        rate = count / max(now - self._began, 1e-3)
        self._began = now
        self.done += count
        self._rate = rate if self._rate is None else 0.7 * self._rate + 0.3 * rate
        wanted = min(int(rate * self._seconds), 2 * self.batch, LARGEST_BATCH)
        self.batch = max(wanted, SMALLEST_BATCH)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        left = max(0, self.total - self.done) / self._rate if self._rate else None
        return Progress(self.phase, self.done, self.total, self.failed, self._rate, left)


def contents_of_sizes(
    library: Library, space: str, sizes: Collection[int]
) -> defaultdict[int, set[str]]:
    """Return the contents of these sizes, in bytes, that have a vector in the space."""
    contents: defaultdict[int, set[str]] = defaultdict(set)
    if sizes:
        for photo in library.photos():
            if photo.size in sizes and space in photo.rows:
                contents[photo.size].add(photo.content)
    return contents


def _is_still(known: Photo, file: Found, one: Extracted) -> bool:
    """Return whether what is known of a photo is of the content that was read now."""
    if known.preliminary:
        return False
    if known.content and one.content:
        return known.content == one.content
    return (known.size, known.modified) == (file.size, file.modified)


def _photo(file: Found, one: Extracted, image: Extracted | Photo, space: str) -> Photo:
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
        tags=image.tags if isinstance(image, Photo) else _tags(image, space),
        failure=one.failure,
        sidecar=file.sidecar,
    )


def _tags(one: Extracted, space: str) -> Mapping[str, Tags]:
    """Return the surest tags as they are kept: a few, and no more exact than they are."""
    tags: dict[str, float] = {}
    for word, confidence in one.tags:
        if (rounded := round(confidence, 2)) > 0 and len(tags) < MOST_TAGS:
            tags.setdefault(word, rounded)
    return {space: tags} if tags else {}
