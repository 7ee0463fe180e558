"""Which photos from outside the library it has already, by their contents and by their pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.errors import ImageError, NotAnsweringError
from photofind.images.limits import Limits
from photofind.images.reading import content_hash, open_file
from photofind.library.store import Store
from photofind.model import KnownPhoto, KnownState
from photofind.model.filters import Filter
from photofind.model.records import Photo, Space, pair_of
from photofind.ranking.fingerprints import COVERED, SAME, Fingerprints
from photofind.ranking.projection import normalised
from photofind.search.backgrounds import varied_background
from photofind.search.candidates import CROWDED, LEAST, NEAREST
from photofind.search.differences import Differences, differences, saved_otherwise
from photofind.search.verification import Candidate, Verification
from photofind.system.reach import Beat, Reach

if TYPE_CHECKING:
    from photofind.extractors.extracted import Extracted
    from photofind.extractors.extraction import Extraction

__all__ = ["KnownPictures"]

MOST_COMPARED = 12
"""With so many photos a photo is compared where that many are as alike as copies are."""

_PIECE = 1 << 20


@dataclass(frozen=True, eq=False)
class _Pictures:
    """The pictures of a library as of one version: their contents and their fingerprints."""

    version: Hashable
    contents: Sequence[str]
    places: Mapping[str, int]
    fingerprints: Fingerprints


class KnownPictures:
    """Tells which photos from outside a library it has already.

    Parameters
    ----------
    store
        The library.
    verification
        Compares photos on their pixels.
    reach
        Touches the files.
    limits
        The largest photo that is read.
    """

    def __init__(
        self, store: Store, verification: Verification, reach: Reach, limits: Limits
    ) -> None:
        self._store = store
        self._verification = verification
        self._reach = reach
        self._limits = limits
        self._pictures: _Pictures | None = None

    def look_for(
        self,
        paths: Sequence[str],
        folder: str | None,
        embedder: Callable[[], tuple[Space, Extraction]],
    ) -> list[KnownPhoto]:
        """Look for photos in the library; nothing is written into it, or beside them.

        Parameters
        ----------
        paths
            Absolute paths of the photos.
        folder
            Only photos of the library below this folder count; all where not given.
        embedder
            Gives a space and what embeds photos for it; asked where contents do not tell.
        """
        where = Filter(folder=folder, failed=False)
        found: dict[str, KnownPhoto] = {}
        contents: dict[str, str] = {}
        for path in dict.fromkeys(paths):
            try:
                contents[path] = self._content(path)
            except (ImageError, NotAnsweringError) as error:
                found[path] = KnownPhoto(path, "failed", reason=error.message)
        # A photo that failed has its content too.
        files = self._store.by_content(dict.fromkeys(contents.values()))
        among = Filter(folder=folder)
        rest: list[str] = []
        for path, content in contents.items():
            known = [photo for photo in files.get(content, ()) if among.passes(photo)]
            others = [photo for photo in known if not self._is_same_file(photo, path)]
            if others:
                found[path] = _match(path, "identical", others)
            elif known:
                found[path] = _match(path, "indexed", known)
            else:
                rest.append(path)
        if rest:
            found |= self._look_at(rest, where, *embedder())
        return [found[path] for path in paths]

    def _content(self, path: str) -> str:
        """Return the content of a file, of which a part is read at a time.

        Raises
        ------
        ImageError
            It cannot be read.
        NotAnsweringError
            It does not answer.
        """

        def read(beat: Beat) -> str:
            digest = content_hash()
            with open_file(path, self._limits) as (file, _):
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    beat()
            return digest.hexdigest()

        return self._reach.read(path, read)

    def _is_same_file(self, photo: Photo, path: str) -> bool:
        if photo.path == path:
            return photo.away is None
        with suppress(OSError, NotAnsweringError):
            return photo.away is None and bool(
                self._reach.call(path, os.path.samefile, photo.path, path)
            )
        return False

    def _look_at(
        self, paths: Sequence[str], where: Filter, space: Space, extraction: Extraction
    ) -> dict[str, KnownPhoto]:
        """Look for photos whose contents the library does not have."""
        found: dict[str, KnownPhoto] = {}
        asked: dict[str, Photo] = {}
        vectors: list[npt.NDArray[np.float32]] = []
        for one in extraction.extract(paths):
            if one.vector is None:
                found[one.path] = KnownPhoto(one.path, "failed", reason=one.failure)
            else:
                asked[one.path] = _photo(one)
                vectors.append(one.vector)
        if not asked:
            return found
        for path, those in self._matches(space, [*asked.values()], vectors, where).items():
            if those:
                same = [photo for photo, _ in those]
                found[path] = _match(path, "same picture", same, those[0][1])
            else:
                found[path] = KnownPhoto(path, "new")
        return found

    def _matches(
        self,
        space: Space,
        photos: Sequence[Photo],
        vectors: Sequence[npt.NDArray[np.float32]],
        where: Filter,
    ) -> dict[str, list[tuple[Photo, Differences]]]:
        """Return for the path of each photo what shows its picture, and what was done to it.

        Fingerprints tell at once; what is near by its embedding is compared on its pixels.
        """
        known = self._known()
        prints = Fingerprints([photo.fingerprint for photo in photos])
        apart, turns = prints.distances_to(known.fingerprints)
        nearest = self._nearest(space, normalised(np.array(vectors)), where)
        near = [np.flatnonzero(row <= SAME) for row in apart]
        near = [those[np.argsort(row[those])] for row, those in zip(apart, near, strict=True)]
        named = {known.contents[place] for those in near for place in those.tolist()}
        firsts = self._firsts(named.union(*nearest), where)
        told_apart = self._store.told_apart()
        matches: dict[str, list[tuple[Photo, Differences]]] = {}
        candidates: list[Candidate] = []
        for row, photo in enumerate(photos):
            matches[photo.path] = []
            seen = {one for one in firsts if pair_of(one, photo.content) in told_apart}
            for place in near[row].tolist():
                content = known.contents[place]
                if content in firsts and content not in seen:
                    done = differences(firsts[content], photo, int(turns[row, place]))
                    matches[photo.path].append((firsts[content], done))
                    seen.add(content)
            for content in nearest[row]:
                if content in firsts and content not in seen:
                    of_it = known.places.get(content)
                    covers = of_it is not None and bool(apart[row, of_it] <= COVERED)
                    candidates.append((firsts[content], photo, covers))
        verdicts = self._verification.compare(candidates)
        for first, photo, _ in candidates:
            verdict = verdicts.get((first.content, photo.content))
            if verdict is not None:
                done = (*verdict, *saved_otherwise(first, photo)) or ("re-encoded",)
                matches[photo.path].append((first, done))
        return matches

    def _known(self) -> _Pictures:
        """Return the pictures that the library has now."""
        version = self._store.version
        if self._pictures is None or self._pictures.version != version:
            prints: dict[str, str | None] = {
                photo.content: photo.fingerprint
                for photo in self._store.select(Filter(failed=False))
                if photo.fingerprint is not None and not photo.preliminary
            }
            places = {content: place for place, content in enumerate(prints)}
            self._pictures = _Pictures(version, [*prints], places, Fingerprints([*prints.values()]))
        return self._pictures

    def _nearest(
        self, space: Space, vectors: npt.NDArray[np.float32], where: Filter
    ) -> list[list[str]]:
        """Return for each embedding the contents that are worth comparing on their pixels."""
        background = varied_background(self._store, space.id)
        least, crowd = background.similarity(LEAST), background.similarity(CROWDED)
        nearest = self._store.nearest(
            space.id, vectors, MOST_COMPARED, over="embeddings", where=where, vectors=False
        )
        found: list[list[str]] = []
        for contents, cosines in zip(nearest.contents, nearest.similarities, strict=True):
            count = NEAREST if np.count_nonzero(cosines >= crowd) <= NEAREST else MOST_COMPARED
            likely = zip(contents[:count].tolist(), cosines[:count].tolist(), strict=True)
            found.append([content for content, cosine in likely if content and cosine >= least])
        return found

    def _firsts(self, contents: Collection[str], where: Filter) -> Mapping[str, Photo]:
        """Return a photo of each content that passes a filter, one that is there if possible."""
        firsts: dict[str, Photo] = {}
        for content, photos in self._store.by_content(contents).items():
            passing = [photo for photo in photos if where.passes(photo)]
            if passing:
                first = min(passing, key=lambda photo: photo.away is not None)
                firsts[content] = first
        return firsts


def _photo(extracted: Extracted) -> Photo:
    return Photo(
        extracted.path,
        content=extracted.content,
        width=extracted.width,
        height=extracted.height,
        format=extracted.format,
        fingerprint=extracted.fingerprint,
    )


def _match(
    path: str, state: KnownState, photos: Sequence[Photo], done: Differences = ()
) -> KnownPhoto:
    return KnownPhoto(
        path,
        state,
        tuple(photo.path for photo in photos),
        tuple(photo.id for photo in photos),
        done,
    )
