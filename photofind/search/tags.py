"""Photos by tags, and what to say where no photo has one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from photofind.errors import LibraryError
from photofind.library.store import Store
from photofind.model import TagCount
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.model.words import confidence_in, folded

__all__ = ["check_tags", "tagged"]


def check_tags(store: Store, tags: Sequence[str]) -> None:
    """Check that there are photos with each of some tags.

    Raises
    ------
    LibraryError
        There is none with one of them; it names the tags that are spelled much like it.
    """
    if not tags:
        return
    known = store.tags()
    for tag in tags:
        wanted = folded(tag)
        if not any(wanted in folded(count.name) for count in known):
            raise _unknown(tag, known)


def tagged(store: Store, tags: Sequence[str], limit: int) -> list[Photo]:
    """Return the photos that carry all of some tags, the surest first, then the newest.

    Raises
    ------
    LibraryError
        No photo has one of them.
    """
    check_tags(store, tags)

    def confidence(photo: Photo) -> float:
        return min((confidence_in(photo, tag) for tag in tags), default=1.0)

    photos = store.select(Filter(tags=tuple(tags), failed=False), newest_first=True)
    return sorted(photos, key=confidence, reverse=True)[:limit]


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
