"""Photos by tags, what a word is nearest to, and what to say where no photo has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model import TagCount
from photofind.model.filters import Filter
from photofind.model.hierarchy import folded
from photofind.model.records import Photo
from photofind.model.words import confidence_in
from photofind.words.wider import nearest

__all__ = ["check_tags", "nearest_tags", "tagged"]


def nearest_tags(store: Store, tags: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags to look for, and notes where one stands for what it is nearest to.

    A word that no photo carries, and no extractor names, stands for what it is nearest to:
    "puppy" for "dog".
    """
    found, notes = [], []
    for tag in tags:
        instead = nearest(tag)
        if instead is None or _is_carried(store, tag):
            found.append(tag)
        else:
            found.append(instead)
            notes.append(f"no photo has the tag {tag!r}; nearest to it is {instead!r}")
    return tuple(found), tuple(notes)


def check_tags(store: Store, tags: Sequence[str]) -> None:
    """Check that there are photos with each of some tags, or with what it is nearest to.

    Raises
    ------
    LibraryError
        There is none with one of them; it names the tags that are spelled much like it.
    """
    for tag, found in zip(tags, nearest_tags(store, tags)[0], strict=True):
        if not _is_carried(store, found):
            raise _unknown(tag, store.tags())


def tagged(store: Store, tags: Sequence[str], limit: int) -> list[Photo]:
    """Return the photos that carry all of some tags, the surest first, then the newest.

    Raises
    ------
    LibraryError
        No photo has one of them.
    """
    check_tags(store, tags)
    wanted, _ = nearest_tags(store, tags)

    def confidence(photo: Photo) -> float:
        return min((confidence_in(photo, tag) for tag in wanted), default=1.0)

    photos = store.select(Filter(tags=wanted, failed=False), newest_first=True)
    return sorted(photos, key=confidence, reverse=True)[:limit]


def _is_carried(store: Store, tag: str) -> bool:
    where = Filter(tags=(tag,), failed=False)
    return any(True for _ in store.select(where, newest_first=True, limit=1))


def _unknown(tag: str, counts: Iterable[TagCount]) -> LibraryError:
    known = {folded(count.name).strip(): count.name for count in counts}
    if not known:
        return LibraryError(
            "no photo has a tag or a keyword yet",
            "`photofind extractors info NAME` says which extractor can name tags",
        )
    words = {word: word for name in known for word in name.split()}
    near = get_close_matches(folded(tag).strip(), [*(words | known)], cutoff=0.7)
    likely = ", ".join(f"'{(words | known)[name]}'" for name in near)
    return LibraryError(
        f"no photo has the tag {tag!r}",
        f"near it are {likely}" if likely else "`photofind tags` lists those that photos have",
    )
