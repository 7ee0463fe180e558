"""The answer to words that were searched for in names, captions, keywords, dates and places."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Correction", "FoundPhoto", "SearchAnswer"]


@dataclass(frozen=True)
class Correction:
    """A word that no photo has, and the words that were searched for instead."""

    typed: str
    taken: tuple[str, ...]


@dataclass(frozen=True)
class FoundPhoto:
    """A photo that words found.

    Parameters
    ----------
    rank
        1, 2, 3 ...
    path, id
        The photo, and its number in the library.
    found_by
        What each word was found in: "tag bus", "place London", "date 2019"; and "what it shows".
    captured
        When it was taken, ISO 8601; None where it does not say.
    width, height
        In pixels, as it is shown; 0 while the photo is preliminary.
    size, modified
        Of its file: bytes, and nanoseconds since 1970.
    offline
        Whether it is out of reach at the moment.
    preliminary
        Whether only its embedded thumbnail was read so far.
    shows
        How well it shows what the words say, 0 to 1, by the extractors that embed texts; None
        where none says that it does.
    """

    rank: int
    path: str
    found_by: tuple[str, ...]
    captured: str | None
    width: int
    height: int
    offline: bool
    id: int = 0
    size: int = 0
    modified: int = 0
    preliminary: bool = False
    shows: float | None = None


@dataclass(frozen=True)
class SearchAnswer:
    """The photos that words found, the best first, then the newest.

    Parameters
    ----------
    words
        What was searched for.
    hits
        The photos, at most as many as were asked for.
    total
        How many there are in all.
    photos
        How many photos were searched.
    corrections
        Words that no photo has, and what was searched for instead.
    notes
        What was left out of what was typed, a line each.
    is_current
        Whether all photos were searched as they are now: the text index follows the library.
    seconds
        How long it took.
    compared_by
        The ids of the spaces whose extractors compared the words with what photos show.
    coming
        The extractors that do so once they are loaded: the same question, asked in a moment, may
        find more.
    """

    words: str
    hits: tuple[FoundPhoto, ...]
    total: int
    photos: int
    corrections: tuple[Correction, ...] = ()
    notes: tuple[str, ...] = ()
    is_current: bool = True
    seconds: float = 0.0
    compared_by: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
