"""Groups of duplicates as they are shown: told apart, chosen, and with what to keep of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from photofind.app.references import find_photo
from photofind.errors import LibraryError, NotAnsweringError
from photofind.images.jpeg_quality import jpeg_quality
from photofind.library.store import Store
from photofind.model import DuplicateGroup, NotSame, Spread
from photofind.model.records import Pair, Photo, pair_of
from photofind.paths import is_below
from photofind.search.keeping import among, propose
from photofind.search.told_apart import split_groups
from photofind.system.reach import Reach

__all__ = ["forget_apart", "listed", "shown_groups", "tell_apart"]


def shown_groups(
    library: Store,
    reach: Reach,
    groups: Sequence[DuplicateGroup],
    *,
    folder: str | None,
    spread: Spread,
    keep: str | None,
) -> list[DuplicateGroup]:
    """Return groups as `Operations.duplicates` does, of those that were found."""
    photos = library.by_id(dict.fromkeys(chain.from_iterable(group.ids for group in groups)))
    there = [group for group in groups if all(one in photos for one in group.ids)]
    contents = {one: photo.content for one, photo in photos.items()}
    chosen = among(split_groups(there, contents, library.told_apart()), folder, spread)
    if keep is None:
        return chosen
    offline = [folder.path for folder in library.folders() if folder.state == "offline"]
    unreachable = {
        one
        for one, photo in photos.items()
        if any(is_below(photo.path, folder) for folder in offline)
    }

    def quality(photo: Photo) -> int | None:
        return _quality(reach, photo)

    return [
        replace(
            group,
            proposal=propose(
                [photos[one] for one in group.ids],
                keep,
                quality=quality,
                unreachable=unreachable,
                across=spread == "across",
                takes=group.kind == "same scene",
            ),
        )
        for group in chosen
    ]


def tell_apart(library: Store, photo: int, others: Sequence[int]) -> list[Pair]:
    """Remember that a photo does not show the same as others; return the pairs that are new.

    Raises
    ------
    LibraryError
        One is not in the library or not read whole yet, or all are identical files.
    """
    own = _content(find_photo(library, photo))
    contents = {_content(find_photo(library, other)) for other in others} - {own}
    if not contents:
        raise LibraryError("these files are identical", "only different files are told apart")
    pairs = {pair_of(own, content) for content in contents}
    new = sorted(pairs - library.told_apart())
    library.tell_apart(new)
    return new


def forget_apart(library: Store, pairs: Iterable[str]) -> int:
    """Take back that contents were told apart; return how many pairs."""
    wanted = {pair_of(*pair.split(":", 1)) for pair in pairs}
    known = wanted & library.told_apart()
    library.forget_apart(known)
    return len(known)


def listed(library: Store, pairs: Iterable[Pair]) -> list[NotSame]:
    """Return pairs with the paths of the photos that have these contents now, by path."""
    pairs = list(pairs)
    photos = library.by_content({*chain.from_iterable(pairs)})

    def paths(content: str) -> tuple[str, ...]:
        return tuple(sorted(photo.path for photo in photos.get(content, ())))

    found = [NotSame(":".join(pair), paths(pair[0]), paths(pair[1])) for pair in pairs]
    return sorted(found, key=lambda one: (one.first, one.second, one.pair))


def _content(photo: Photo) -> str:
    if not photo.content or photo.preliminary:
        raise LibraryError(
            f"{photo.path} has not been read whole yet", "try again when it is indexed"
        )
    return photo.content


def _quality(reach: Reach, photo: Photo) -> int | None:
    if photo.format.upper() not in ("JPEG", "MPO"):
        return None

    def read() -> int | None:
        with open(photo.path, "rb") as file:  # noqa: PTH123
            return jpeg_quality(file)

    with suppress(OSError, NotAnsweringError):
        return reach.call(photo.path, read)
    return None
