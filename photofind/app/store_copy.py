"""``photofind store copy``: a library moves to another store, and answers there as before."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photofind.errors import LibraryError, LockedError
from photofind.library.copying import Copied, copy_library, differing_photos, is_empty
from photofind.library.store import Store
from photofind.library.stores import EMBEDDED, open_store
from photofind.model import Progress
from photofind.paths import Home, remove_file, write_atomically
from photofind.ranking.projection import normalised
from photofind.search.comparison import compare, rank
from photofind.search.embedding import Embedded
from photofind.settings import load_settings
from photofind.system.disk import explain_disk_errors
from photofind.system.held_lock import is_held

__all__ = ["StoreCopy", "copy_store", "verify_copy"]

_QUERIES = 48
_HITS = 10
# Engines search approximately, and no two in the same way: so many of the hits have to be the same.
_ENOUGH_SAME = 0.95
# Embeddings and points are kept as float16 at the least, at unit length or nearly so.
_ROUNDING = 2e-3
# Two hits whose scores differ by less change places by rounding alone.
_SCORE_ROUNDING = 0.005

_AGAIN = "run the same again; what was copied is kept"

Show = Callable[[Progress], None]


@dataclass(frozen=True)
class Answers:
    """How the answers of a copy compare with those of the library that was copied.

    Parameters
    ----------
    queries
        Queries that were asked, over all spaces.
    same
        Of how many the first ten hits are the same.
    hits, same_hits
        Their hits, and how many of them the copy has too.
    """

    queries: int = 0
    same: int = 0
    hits: int = 0
    same_hits: int = 0


@dataclass(frozen=True)
class StoreCopy:
    """What came of copying a library from one store into another.

    Parameters
    ----------
    photos
        Photos in the copy.
    copied, kept, removed
        Photos that were committed now, that an interrupted copy had committed before, and that it
        had committed and the library has no more.
    embeddings
        Embeddings that were committed now.
    spaces
        The ids of the spaces.
    indexes, left_out
        The spaces whose index was copied, and whose index an older photofind built: the next
        indexing builds it.
    answers
        How its answers compare with those of the library.
    seconds
        How long it took.
    """

    photos: int
    copied: int
    kept: int
    removed: int
    embeddings: int
    spaces: tuple[str, ...]
    indexes: tuple[str, ...]
    left_out: tuple[str, ...]
    answers: Answers
    seconds: float


def copy_store(home: Home, source: str, target: str, show: Show = lambda _: None) -> StoreCopy:
    """Copy the library at one address to another one, and compare both.

    Parameters
    ----------
    home
        The home whose settings and daemon count.
    source, target
        As the setting ``store``; or ``embedded://FOLDER``, the library in the home FOLDER.

    Raises
    ------
    LockedError
        Something writes to either library.
    LibraryError
        There is no library to copy, the other one holds something else, an engine refused, or the
        copy is not the same.
    """
    began = time.monotonic()
    if _place_of(home, source) == _place_of(home, target):
        raise LibraryError(f"{source} and {target} are the same library", "name two")
    _check_daemon(home, source, target)
    unfinished = _Unfinished(home, source, target)
    with ExitStack() as opened:
        # Open for writing: who writes to it now is kept out, where the engine lets one write.
        left = opened.enter_context(_open(home, source, is_to_exist=True))
        right = opened.enter_context(_open(home, target))
        if is_empty(left):
            raise LibraryError(f"the library at {source} is empty", "there is nothing to copy")
        if not unfinished.is_known and not is_empty(right):
            raise LibraryError(
                f"the library at {target} is not empty", "copy to one that is, or remove that one"
            )
        unfinished.note()
        copied = copy_library(left, right, show)
        answers = verify_copy(left, right, show)
        unfinished.forget()
        return _outcome(right, copied, answers, time.monotonic() - began)


def verify_copy(source: Store, target: Store, show: Show = lambda _: None) -> Answers:
    """Compare a copy with the library that was copied: counts, some photos, and answers.

    Raises
    ------
    LibraryError
        They differ.
    """
    _require_same("photos", source.counts(), target.counts())
    _require_same(
        "folders",
        {replace(one, id=0) for one in source.folders()},
        {replace(one, id=0) for one in target.folders()},
    )
    _require_same("dismissed pairs", source.told_apart(), target.told_apart())
    _require_same("judgements", {*source.judgements()}, {*target.judgements()})
    _require_same("tags that were judged", {*source.tag_judgements()}, {*target.tag_judgements()})
    _require_same("spaces", {*source.spaces()}, {*target.spaces()})
    answers = Answers()
    for space in source.spaces():
        _require_same(space.id, source.space_counts(space.id), target.space_counts(space.id))
        answers = _compare_answers(source, target, space.id, answers, show)
    if answers.same_hits < _ENOUGH_SAME * answers.hits:
        raise LibraryError(
            f"the copy answers otherwise: of {answers.hits:,} hits it has {answers.same_hits:,}",
            _AGAIN,
        )
    return answers


def _require_same(what: str, wanted: object, found: object) -> None:
    if wanted != found:
        raise LibraryError(f"the copy is not whole: its {what} differ", _AGAIN)


def _compare_answers(
    source: Store, target: Store, space: str, answers: Answers, show: Show
) -> Answers:
    """Add how the answers of one space compare; its photos, embeddings and points have to equal."""
    contents, embeddings = source.sample(space, _QUERIES)
    for photo in differing_photos(source, target, contents):
        raise LibraryError(f"the copy is not whole: it has {photo.path} otherwise", _AGAIN)
    has, copied = target.embeddings(space, contents)
    if not has.all() or not np.allclose(normalised(copied), normalised(embeddings), atol=_ROUNDING):
        raise LibraryError(f"the copy is not whole: embeddings of {space} differ", _AGAIN)
    if source.index(space) is not None and target.index(space) is not None:
        has, points = source.points(space, contents)
        there, points_there = target.points(space, contents)
        if (has != there).any() or not np.allclose(points, points_there, atol=_ROUNDING):
            raise LibraryError(f"the copy is not whole: points of {space} differ", _AGAIN)
    nothing = np.empty((0, embeddings.shape[1]), np.float32)
    # An index that was not copied orders hits otherwise; then embeddings are compared.
    plain = (source.index(space) is None) != (target.index(space) is None)
    for done, (content, vector) in enumerate(zip(contents, normalised(embeddings), strict=True)):
        query = Embedded(vector[np.newaxis], nothing, frozenset([content]))
        wanted, found = (_hits(store, space, query, plain=plain) for store in (source, target))
        last = min(wanted.values(), default=0.0)
        same = sum(hit in found or score <= last + _SCORE_ROUNDING for hit, score in wanted.items())
        answers = Answers(
            answers.queries + 1,
            answers.same + (same == len(wanted)),
            answers.hits + len(wanted),
            answers.same_hits + same,
        )
        show(Progress("comparing answers", done + 1, len(contents)))
    return answers


def _hits(store: Store, space: str, query: Embedded, *, plain: bool) -> dict[str, float]:
    """Return the first ten hits of a query with their scores, best first."""
    ranked = rank(compare(store, space, query, plain=plain), _HITS)
    return dict(zip(ranked.contents[:_HITS], ranked.scores[:_HITS].tolist(), strict=True))


def _outcome(target: Store, copied: Copied, answers: Answers, seconds: float) -> StoreCopy:
    return StoreCopy(
        photos=target.counts().photos,
        copied=copied.photos,
        kept=copied.kept,
        removed=copied.removed,
        embeddings=copied.embeddings,
        spaces=tuple(space.id for space in target.spaces()),
        indexes=copied.indexes,
        left_out=copied.left_out,
        answers=answers,
        seconds=round(seconds, 1),
    )


def _place_of(home: Home, address: str) -> str | Path:
    """Return what tells one library from another: its home, or the address of a server."""
    if address == EMBEDDED:
        return home.root.resolve()
    engine, _, place = address.partition("://")
    return Path(place).expanduser().resolve() if engine == EMBEDDED and place else address


def _open(home: Home, address: str, *, is_to_exist: bool = False) -> Store:
    place = _place_of(home, address)
    store = address
    if isinstance(place, Path):
        home, store = Home(place), EMBEDDED
        if is_to_exist and not home.catalog.exists():
            raise LibraryError(f"there is no library in {home.root}", "name the home of one")
    settings = replace(load_settings(home.settings), store=store)
    return open_store(home, settings, writable=True)


def _check_daemon(home: Home, *addresses: str) -> None:
    """Refuse while the daemon of a home that one of the libraries is of may write to it.

    Raises
    ------
    LockedError
        It runs.
    """
    in_use = load_settings(home.settings).store
    for address in addresses:
        place = _place_of(home, address)
        if place != _place_of(home, in_use):
            continue
        try:
            if is_held(home.daemon_lock):
                raise LockedError(
                    f"the daemon uses the library at {address}",
                    "stop it with `photofind daemon stop`, and run the same again",
                )
        except OSError:  # There is no lock.
            continue


class _Unfinished:
    """The note in the home that a copy was begun: its target is not empty then, and goes on.

    The addresses, which may hold a password, are not in it.
    """

    def __init__(self, home: Home, source: str, target: str) -> None:
        places = [str(_place_of(home, address)) for address in (source, target)]
        name = hashlib.sha256("\0".join(places).encode()).hexdigest()[:16]
        self._file = home.root / f"copy-{name}.json"

    @property
    def is_known(self) -> bool:
        """Whether such a copy was begun and not finished."""
        return self._file.is_file()

    def note(self) -> None:
        """Note that it is begun."""
        with explain_disk_errors(self._file):
            if not self.is_known:
                write_atomically(self._file, json.dumps({"begun": time.time()}).encode())

    def forget(self) -> None:
        """Note that it is finished."""
        with explain_disk_errors(self._file):
            remove_file(self._file)
