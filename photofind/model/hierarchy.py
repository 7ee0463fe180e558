"""What words mean that extractors name: the hypernyms of the 1,000 classes of ImageNet.

They are from WordNet [1]_; ``packaging/words/`` has the recipe, ``NOTICE`` the terms.

References
----------
.. [1] G. A. Miller, "WordNet: A Lexical Database for English", Communications of the ACM 38(11),
   1995, https://doi.org/10.1145/219717.219748
"""

from __future__ import annotations

import unicodedata
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["Meaning", "folded", "meanings_named", "meanings_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """What a word means, as far as photos show it: a synset of WordNet.

    Parameters
    ----------
    words
        The words that mean it, the usual one first.
    wider
        The meanings above it, nearest first: of a beagle those of "hound", "dog", "animal".
    is_everyday
        Whether people call things so: "dog", and not "canine". Photos are found by all words.
    classes
        How many of the classes of ImageNet it is or lies above.
    """

    words: tuple[str, ...]
    wider: tuple[Meaning, ...]
    is_everyday: bool
    classes: int

    @property
    def name(self) -> str:
        """The usual word."""
        return self.words[0]


Meanings = Mapping[str, tuple[Meaning, ...]]


@lru_cache(16384)
def meanings_of(word: str) -> tuple[Meaning, ...]:
    """Return what a word that a person types may mean; nothing where it is not known.

    Case and punctuation do not matter.
    """
    return _known()[0].get(folded(word), ())


@lru_cache(16384)
def meanings_named(name: str) -> tuple[Meaning, ...]:
    """Return what a tag of ImageNet means, which several meanings may share; nothing for others.

    The tag is named by all words of its meaning, separated by commas, or by the first; one that
    shares it with another may have a wider word in brackets: "crane (bird)".
    """
    known, by_all_words = _known()
    if (exact := by_all_words.get(folded(name))) is not None:
        return exact
    word, _, wider = name.removesuffix(")").partition(" (")
    found = known.get(folded(word.partition(",")[0]), ())
    if not wider:
        return found
    above = meanings_of(wider)
    return tuple(one for one in found if any(other in above for other in one.wider))


@lru_cache(16384)
def folded(name: str) -> str:
    """Return the words of a name in one case, with a space around each: " hot dog "."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Letters, the marks upon them, and digits.
    words = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in text).split()
    return f" {' '.join(words) or text.strip()} "


@cache
def _known() -> tuple[Meanings, Meanings]:
    """Return the meanings by each of their words, and those of classes by all of theirs."""
    text = files("photofind.model").joinpath("hypernyms.tsv").read_text("utf-8")
    lines = [line.split("\t") for line in text.splitlines()]
    words = {one: tuple(names.split(", ")) for one, names, _, _ in lines}
    parents = {one: wider.split() for one, _, wider, _ in lines}
    kinds = {one: kind for one, _, _, kind in lines}
    above = {one: _above(one, parents) for one in words}
    classes = Counter(
        name for one, kind in kinds.items() if kind == "class" for name in (one, *above[one])
    )
    made: dict[str, Meaning] = {}

    def meaning(one: str) -> Meaning:
        if one not in made:
            wider = tuple(map(meaning, above[one]))
            made[one] = Meaning(words[one], wider, bool(kinds[one]), classes[one])
        return made[one]

    known: dict[str, tuple[Meaning, ...]] = {}
    by_all_words: dict[str, tuple[Meaning, ...]] = {}
    for one in words:
        for name in {*map(folded, words[one])}:
            known[name] = (*known.get(name, ()), meaning(one))
        if kinds[one] == "class":
            name = folded(", ".join(words[one]))
            by_all_words[name] = (*by_all_words.get(name, ()), meaning(one))
    return known, by_all_words


def _above(start: str, parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what is above one, those first that the fewest steps lead to."""
    found: dict[str, None] = {}
    waiting = deque(parents[start])
    while waiting:
        one = waiting.popleft()
        if one not in found:
            found[one] = None
            waiting += parents[one]
    return [*found]
