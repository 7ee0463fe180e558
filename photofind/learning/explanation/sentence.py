"""An explanation in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from photofind.model import Explanation, Region, WrittenMatch
from photofind.model.counted import counted

__all__ = ["in_words"]

_ALIKE, _HARDLY = 0.5, 0.1
_NEAR_SECONDS = 7 * 86400.0
_NEAR_METRES, _SAME_METRES = 5000.0, 15.0
_MOST_TAGS = 5
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_PREPOSITIONS = {"top": "at", "bottom": "at", "left": "on", "right": "on"}
_COUNTS = ("", "this one", "these two", "these three", "these four", "these five")


def in_words(explanation: Explanation) -> Explanation:
    """Return an explanation with its sentence: the reasons, the strongest first."""
    return replace(explanation, sentence=" ".join(_sentences(explanation)))


def _sentences(of: Explanation) -> Iterator[str]:
    yield _alike(of)
    yield from _words(of)
    if of.same is not None or of.score >= _HARDLY:
        yield from _regions(of)
        yield from _extractors(of)
    if of.tags:
        # Names of classes come with their synonyms: "Indian elephant, Elephas maximus".
        tags = [*dict.fromkeys(tag.partition(",")[0] for tag in of.tags)][:_MOST_TAGS]
        yield f"Both have the tag{'' if len(tags) == 1 else 's'} {_listed(tags)}."
    circumstances = [*_circumstances(of)]
    if circumstances:
        yield f"They were taken {', '.join(circumstances)}."
    if of.resembling:
        names = [os.path.basename(one.path) for one in of.resembling]  # noqa: PTH119
        yield f"And both resemble {_COUNTS[len(names)]}: {', '.join(names)}."


def _alike(of: Explanation) -> str:
    if of.same == "identical content":
        return "Both are the same file."
    if of.same == "same picture":
        return "Both show the same picture."
    score = of.score if of.words is None else of.words.photo_score
    if score >= _ALIKE:
        return f"They are alike by {score:.0%}: fewer than 1 of 1,000 unrelated pairs reach 50%."
    if score >= _HARDLY:
        return f"They are alike by {score:.0%}, as some unrelated photos are too."
    return f"They are hardly more alike than unrelated photos: {score:.0%}."


def _words(of: Explanation) -> Iterator[str]:
    """Yield how well the hit fits the words of the query, by what, and what that adds up to."""
    if of.words is None:
        return
    by = ""
    if of.words.parts:
        # A hit fits as well as by the better of what is written and what extractors see.
        best, _ = max(of.words.parts, key=lambda part: part[1])
        extractors = [name for name, _ in of.words.parts if name != "written"]
        written = dict.fromkeys(f"{one.field} {_text_of(one)!r}" for one in of.words.matches)
        if best != "written":
            by = f" to {_listed(extractors)}"
        elif written:
            by = f" by its {_listed([*written])}"
    yield f'The hit fits "{of.words.words}" by {of.words.score:.0%}{by}.'
    yield (
        f"The words count for {of.words.weight:.0%} and the photo for the rest, which makes "
        f"{of.score:.0%}."
    )


def _text_of(match: WrittenMatch) -> str:
    """Return what a match stands in: of a tag that has synonyms the first."""
    return match.text.partition(",")[0] if match.field == "tag" else match.text


def _regions(of: Explanation) -> Iterator[str]:
    part = next((one for one in of.parts if one.query and one.hit), None)
    if part is None or part.query is None or part.hit is None:
        yield "Which regions they share cannot be told."
    elif part.query.share > 0:
        yield (
            f"What they share lies above all {_places(part.query.regions)} of the query "
            f"and {_places(part.hit.regions)} of the hit: a quarter of each carries "
            f"{part.query.share:.0%} and {part.hit.share:.0%} of it."
        )


def _places(regions: Sequence[Region]) -> str:
    """Return where the regions lie that carry much, as in "in the middle and at the top"."""
    most = regions[0].share
    places = dict.fromkeys(one.where for one in regions if one.share >= most / 2)
    return _listed([f"{_PREPOSITIONS.get(one, 'in')} the {one}" for one in places])


def _extractors(of: Explanation) -> Iterator[str]:
    if len(of.parts) > 1 and all(part.share >= 0 for part in of.parts):
        shares = [f"{part.share:.0%} from {part.extractor}" for part in of.parts]
        yield f"Of their similarity come {_listed(shares)}."


def _circumstances(of: Explanation) -> Iterator[str]:
    if of.seconds_apart is not None and of.seconds_apart <= _NEAR_SECONDS:
        yield "at the same time" if of.seconds_apart == 0 else f"{_lasting(of.seconds_apart)} apart"
    if of.metres_apart is not None and of.metres_apart <= _NEAR_METRES:
        if of.metres_apart < _SAME_METRES:
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
            return counted(round(seconds / length), unit)
    return "less than a second"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
