"""What was read of a batch of files becomes photos of the library, in one commit."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from photofind.extractors.extracted import Extracted
from photofind.indexing.departed import Departed
from photofind.indexing.retries import next_retry
from photofind.indexing.scan import Found
from photofind.library.store import Array32, Store
from photofind.model.records import Folder, Photo, Retry, Tags, innermost

__all__ = ["BatchCommit", "Outcome"]

_MOST_TAGS = 5

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of a file.

    Parameters
    ----------
    kind
        "new", "changed", "moved"; "unchanged", where only its file's status was another one;
        "refined", where its preliminary embedding was replaced;
        "vanished" before it was read; "unwanted", where its folder was removed before; "refused",
        where it could not be embedded and stays as other extractors embedded it.
    failed
        Whether it could not be read.
    """

    kind: str
    failed: bool


class BatchCommit:
    """What was read of a batch of files, on its way into the store.

    Parameters
    ----------
    store
        Open for writing.
    space
        The id of the space of the embeddings.
    departed
        Photos that were removed lately, which may come back at other paths.
    batch
        The files, and what was read of each.
    afresh
        Whether refusals end of photos that are tried again.

    Attributes
    ----------
    outcomes : dict of str to Outcome
        What became of each file that was added, by path.
    lacking : list of Found
        Files without an embedding, which are to be read again.
    failed : int
        How many could not be read.
    """

    def __init__(
        self,
        store: Store,
        space: str,
        departed: Departed,
        batch: Sequence[tuple[Found, Extracted]],
        *,
        afresh: bool,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.lacking: list[Found] = []
        self.failed = 0
        self._store = store
        self._space = space
        self._departed = departed
        self._afresh = afresh
        self._folders: list[Folder] = store.folders()
        self._known = store.by_path(file.path for file, _ in batch)
        self._twins = store.by_content({one.content for _, one in batch if _shares(one)})
        self._departed_twins: dict[str, Photo] = {}
        self._photos: list[Photo] = []
        self._embeddings: defaultdict[str, dict[str, Array32]] = defaultdict(dict)  # By space.

    def add(self, file: Found, one: Extracted, *, is_gone: bool) -> None:
        """Take in what was read of a file; ``is_gone`` where it is not there any more."""
        if is_gone:
            self.outcomes[file.path] = Outcome("vanished", False)  # Which is no failure.
        elif innermost(self._folders, file.path) is None:
            self.outcomes[file.path] = Outcome("unwanted", False)
        elif (image := self._twin(one.content) if _shares(one) else one) is None:
            self.lacking.append(file)
        else:
            if one.vector is not None:
                self._embeddings[self._space][one.content] = one.vector
            self._put(file, one, image)

    def write(self) -> None:
        """Commit all of it to the store."""
        self._store.commit(self._photos, self._space, self._embeddings.pop(self._space, {}))
        for space, embeddings in self._embeddings.items():
            again = {photo.path: photo for photo in self._photos if photo.content in embeddings}
            now = [
                replace(photo, tags=again[path].tags)
                for path, photo in self._store.by_path(again).items()
            ]
            self._store.commit(now, space, embeddings)

    def _put(self, file: Found, one: Extracted, image: Extracted | Photo) -> None:
        known = self._known.get(file.path)
        before = known if known and _is_still(known, file, one) else None
        stays = before is not None and bool(before.spaces) and self._space not in before.spaces
        if before and one.passing and self._space in before.spaces:
            # What is known of it holds as long as nothing else was read.
            log.warning("%s: %s", file.path, one.failure)
            self.failed += 1
            self.outcomes[file.path] = Outcome("refused", True)
            if before.retry is not None:
                self._photos.append(replace(before, retry=next_retry(before.retry)))
            return
        refusals = dict(before.refusals) if before else {}
        retry = before.retry if before else None
        if not refusals.keys() - {self._space}:
            retry = None
        elif self._afresh and retry is not None:
            refusals.clear()  # The count of tries is kept for the extractors that are to try again.
        if one.passing:
            retry = next_retry(before.retry if before else None)
        if one.failure is not None and (one.refused or refusals or stays):
            refusals[self._space] = one.failure
        photo = _photo(file, one, image, self._space, refusals, retry)
        if before and stays and one.failure is not None:
            log.warning("%s: %s", file.path, one.failure)
            kind = "refused"
            photo = replace(
                before,
                refusals=refusals,
                retry=retry,
                size=file.size,
                modified=file.modified,
                inode=file.inode,
                sidecar=photo.sidecar,
                changed=photo.changed,
                sidecar_changed=photo.sidecar_changed,
            )
        elif known and known.preliminary:
            kind = "refined"
        elif known:
            is_as_it_was = self._space in known.spaces and _says_the_same(known, photo)
            kind = "unchanged" if is_as_it_was else "changed"
        elif one.content and (departed := self._departed.take(one.content)):
            kind = "moved"
            photo = replace(photo, id=departed.id, refusals={**departed.refusals, **refusals})
        else:
            kind = "new"
        self.failed += one.failure is not None
        self.outcomes[file.path] = Outcome(kind, one.failure is not None)
        self._photos.append(photo)

    def _twin(self, content: str) -> Photo | None:
        """Return a photo, in the library or departed, whose content has an embedding.

        Where it is departed, its embeddings are committed again, with their tags.
        """
        twins = [twin for twin in self._twins.get(content, ()) if self._space in twin.spaces]
        if twins:
            return next((twin for twin in twins if twin.fingerprint is not None), twins[0])
        if content in self._departed_twins:
            return self._departed_twins[content]
        departed = self._departed.get(content, self._space)
        if departed is None:
            return None
        for space in {space.id for space in self._store.spaces()}.intersection(departed.spaces):
            (is_there,), (embedding,) = self._store.embeddings(space, [content])
            if is_there:
                self._embeddings[space][content] = embedding
        if content not in self._embeddings[self._space]:
            self._departed.lose_embedding(content, self._space)
            return None
        self._departed_twins[content] = departed
        return departed


def _shares(one: Extracted) -> bool:
    """Return whether a file was not embedded since another with its content is."""
    return one.vector is None and one.failure is None


def _is_still(known: Photo, file: Found, one: Extracted) -> bool:
    """Return whether what is known of a photo is of the content that was read now."""
    if known.preliminary:
        return False
    if known.content and one.content:
        return known.content == one.content
    return (known.size, known.modified) == (file.size, file.modified)


def _says_the_same(known: Photo, photo: Photo) -> bool:
    """Return whether a photo that was read again has the same content, and sidecar."""

    def said(of: Photo) -> tuple[object, ...]:
        place = of.latitude, of.longitude
        told = of.captured, of.camera, place, of.keywords, of.caption
        return of.content, of.failure, of.sidecar, told

    return bool(photo.content) and said(known) == said(photo)


def _photo(
    file: Found,
    one: Extracted,
    image: Extracted | Photo,
    space: str,
    refusals: Mapping[str, str],
    retry: Retry | None,
) -> Photo:
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
        fingerprint=image.fingerprint,
        captured=one.captured,
        camera=one.camera,
        latitude=one.latitude,
        longitude=one.longitude,
        keywords=one.keywords,
        caption=one.caption,
        tags=image.tags if isinstance(image, Photo) else _tags(image, space),
        failure=one.failure,
        note=image.note,
        refusals=refusals,
        retry=retry,
        # Not as it is, so that the next look at the photo reads it again.
        sidecar=None if one.lacks_sidecar else file.sidecar,
        changed=file.changed or None,
        sidecar_changed=file.sidecar_changed or None,
    )


def _tags(one: Extracted, space: str) -> Mapping[str, Tags]:
    """Return the surest tags as they are kept: a few, rounded to two digits."""
    tags: dict[str, float] = {}
    for word, confidence in one.tags:
        if (rounded := round(confidence, 2)) > 0 and len(tags) < _MOST_TAGS:
            tags.setdefault(word, rounded)
    return {space: tags} if tags else {}
