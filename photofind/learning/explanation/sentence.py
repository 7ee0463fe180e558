"""An explanation in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from photofind.model import Explanation, Region

__all__ = ["sentence"]

_ALIKE = 0.5
_NEAR_SECONDS = 7 * 86400.0
_NEAR_METRES = 5000.0
_TAGS = 5
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def sentence(explanation: Explanation) -> Explanation:
    """Return an explanation with its sentence: the reasons, the strongest first."""
    return replace(explanation, sentence=" ".join(_sentences(explanation)))


def _sentences(of: Explanation) -> Iterator[str]:
    yield _alike(of)
    yield from _regions(of)
    if len(of.parts) > 1:
        shares = [f"{part.extractor} {part.share:.0%}" for part in of.parts]
        yield f"Of their similarity {_listed(shares)} come from these extractors."
    if of.tags:
        word = "tag" if len(of.tags) == 1 else "tags"
        yield f"Both have the {word} {_listed(of.tags[:_TAGS])}."
    together = [*_circumstances(of)]
    if together:
        yield f"They were taken {', '.join(together)}."
    if of.resembling:
        names = [os.path.basename(one.path) for one in of.resembling]  # noqa: PTH119
        count = f"these {len(names)}" if len(names) > 1 else "this one"
        yield f"And both resemble {count}: {', '.join(names)}."


def _alike(of: Explanation) -> str:
    if of.same == "identical content":
        return "Both are the same file."
    if of.same == "same picture":
        return "Both show the same picture."
    if of.score >= _ALIKE:
        return f"They are alike by {of.score:.0%}, more than 999 of 1,000 unrelated photos are."
    if of.score > 0:
        return f"They are alike by {of.score:.0%}, as some unrelated photos are too."
    return "They are no more alike than unrelated photos are."


def _regions(of: Explanation) -> Iterator[str]:
    part = next((one for one in of.parts if one.query is not None), None)
    if part is None:
        yield "Which regions they share cannot be told."
    elif part.query is not None and part.hit is not None and sum(part.query.weights) > 0:
        where, there = _places(part.query.regions), _places(part.hit.regions)
        yield (
            f"What they share lies above all {where} of the query and {there} of the hit: "
            f"a quarter of each carries {part.query.share:.0%} and {part.hit.share:.0%} of it."
        )


def _places(regions: Sequence[Region]) -> str:
    """Return where the regions lie that carry much: "in the middle", "at the top and ..."."""
    most = regions[0].share
    places = dict.fromkeys(one.where for one in regions if one.share >= most / 2)
    return _listed([f"{_PREPOSITIONS.get(one, 'in')} the {one}" for one in places])


_PREPOSITIONS = {"top": "at", "bottom": "at", "left": "on", "right": "on"}


def _circumstances(of: Explanation) -> Iterator[str]:
    if of.seconds_apart is not None and of.seconds_apart <= _NEAR_SECONDS:
        yield "at the same time" if of.seconds_apart == 0 else f"{_lasting(of.seconds_apart)} apart"
    if of.metres_apart is not None and of.metres_apart <= _NEAR_METRES:
        if of.metres_apart < 15:
            yield "at the same place"
        elif of.metres_apart < 1000:
            yield f"{of.metres_apart:.0f} m from each other"
        else:
            yield f"{of.metres_apart / 1000:.1f} km from each other"
    if of.camera is not None:
        yield f"with the same camera ({of.camera})"


def _lasting(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
