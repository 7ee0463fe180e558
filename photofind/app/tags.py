"""What a person says of tags: kept by the photos' contents, and written beside them if asked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from photofind.app.photos import details
from photofind.app.references import find_photo, path_here
from photofind.errors import LibraryError, PhotofindError
from photofind.images.sidecars import write_keywords
from photofind.model import Failure, Tagging
from photofind.model.hierarchy import folded, meanings_of
from photofind.model.judgements import TagJudgement

if TYPE_CHECKING:
    from photofind.app.resources import Resources
    from photofind.model.records import Photo

__all__ = ["judge_tags"]


def judge_tags(
    resources: Resources,
    photos: Sequence[int],
    add: Sequence[str],
    remove: Sequence[str],
    forget: Sequence[str],
    *,
    write_sidecar: bool,
) -> Tagging:
    """Keep what a person says of the tags of photos, given by their ids; see the declaration.

    Raises
    ------
    LibraryError
        A photo is not in the library or not read whole yet, or a tag is judged in two ways.
    """
    added, removed, forgotten = (_names(names) for names in (add, remove, forget))
    if (
        added.keys() & removed.keys()
        or forgotten.keys() & {*added, *removed}
        or any(_contradicts(name, added.values(), False) for name in removed.values())
    ):
        raise LibraryError("a tag was judged in two ways at once", "judge it one way")
    with resources.writing() as library:
        known = [find_photo(library, photo) for photo in photos]
        for photo in known:
            if not photo.content or photo.preliminary:
                raise LibraryError(
                    f"{photo.path} has not been read whole yet", "try again when it is indexed"
                )
        now = round(time.time(), 3)
        new, gone = [], []
        for content, said in {photo.content: photo.said for photo in known}.items():
            new += [TagJudgement(content, name, True, now) for name in added.values()]
            new += [TagJudgement(content, name, False, now) for name in removed.values()]
            outdated = [
                name
                for name, is_right in said.items()
                if folded(name) in forgotten
                or _contradicts(name, removed.values() if is_right else added.values(), is_right)
            ]
            gone += [TagJudgement(content, name, True) for name in outdated]
        if gone:
            library.forget_tag_judgements(gone)
        if new:
            library.judge_tags(new)
        now_known = [find_photo(library, photo.id) for photo in known]
        folders = library.folders()
    sidecars, failures = _write(resources, now_known) if write_sidecar else ([], [])
    return Tagging(
        tuple(details(folders, photo) for photo in now_known), tuple(sidecars), tuple(failures)
    )


def _names(names: Iterable[str]) -> dict[str, str]:
    """Return the names of tags, by how they are compared."""
    return {folded(name): " ".join(name.split()) for name in names}


def _contradicts(name: str, judged: Iterable[str], is_right: bool) -> bool:
    """Return whether what was said of a tag cannot be once others are judged the other way.

    What shows a beagle shows a dog, and what shows no dog shows no beagle.
    """
    own = {*meanings_of(name)}
    above = {one for meaning in own for one in meaning.wider}
    for other in judged:
        others = {*meanings_of(other)}
        others_above = {one for meaning in others for one in meaning.wider}
        if (above & others) if is_right else (others_above & own):
            return True
    return False


def _write(resources: Resources, photos: Iterable[Photo]) -> tuple[list[str], list[Failure]]:
    """Write what was said of the tags of photos into their sidecars."""
    written, failures = [], []
    for photo in photos:
        add = [name for name, is_right in photo.said.items() if is_right]
        remove = [name for name, is_right in photo.said.items() if not is_right]
        try:
            path = path_here(photo)
            sidecar = resources.reach.act(
                path, write_keywords, Path(path), add, remove, photo.keywords
            )
            written.append(str(sidecar))
        except PhotofindError as error:
            failures.append(Failure(photo.path, error.message))
    return written, failures
