"""What a person said: of photos that a query found, and of the tags of photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from photofind.model.hierarchy import folded

__all__ = ["Asked", "Judgement", "TagJudgement", "latest"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asked for, whatever it was limited to.

    Two queries that ask for the same have the same judgements.

    Parameters
    ----------
    contents
        The content ids of the photos that hits should be like, the least first.
    words
        What hits should show, in words.
    box
        The part of the one photo that is compared: x, y, width and height, as fractions of its
        sides; nothing for the whole.
    """

    contents: tuple[str, ...] = ()
    words: str = ""
    box: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of one photo, for one query.

    Parameters
    ----------
    asked
        The query.
    content
        The content id of the photo.
    liked
        Whether it is what was asked for.
    moment
        When that was said, seconds since 1970.
    """

    asked: Asked
    content: str
    liked: bool
    moment: float = 0.0

    @property
    def key(self) -> tuple[Asked, str]:
        """What it is about; a later judgement of the same replaces it."""
        return self.asked, self.content


@dataclass(frozen=True, slots=True)
class TagJudgement:
    """What a person said of a tag of a photo.

    Parameters
    ----------
    content
        The content id of the photo.
    name
        The tag.
    is_right
        Whether the photo shows that.
    moment
        When that was said, seconds since 1970.
    """

    content: str
    name: str
    is_right: bool
    moment: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """What it is about; a later judgement of the same replaces it."""
        return self.content, folded(self.name)


def latest(judgements: Iterable[Judgement]) -> dict[tuple[Asked, str], Judgement]:
    """Return the last judgement of each photo for each query, by their keys."""
    return {judgement.key: judgement for judgement in judgements}
