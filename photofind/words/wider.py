"""The wider words of a tag, and the tag that another word is nearest to."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from photofind.model.hierarchy import folded, meanings_named, meanings_of
from photofind.model.plurals import singulars_and_plurals

__all__ = ["nearest", "wider"]


def wider(tag: str) -> tuple[str, ...]:
    """Return all wider words of a tag of ImageNet, nearest first; nothing for other tags.

    Those of "beagle" begin with "hound", "hound dog", "hunting dog", "dog". A name with several
    meanings, such as "crane", has the words that are above all of them.
    """
    several = [
        [word for above in meaning.wider for word in above.words] for meaning in meanings_named(tag)
    ]
    if not several:
        return ()
    first, *others = several
    return tuple(dict.fromkeys(word for word in first if all(word in words for words in others)))


def nearest(word: str) -> str | None:
    """Return the name of what a word is nearest to among ImageNet's tags and their wider words.

    "puppy" is nearest to "dog". Plurals are found too. None for a word that is known as it is, and
    for one that is near to none.
    """
    text = folded(word).strip()
    if meanings_of(text):
        return None
    for singular in _singulars(text):
        if known := meanings_of(singular):
            return known[0].name
        if found := _nearest().get(singular):
            return found
    return None


def _singulars(text: str) -> list[str]:
    """Return words, and what the last of them may be the plural of."""
    before, space, last = text.rpartition(" ")
    return [text, *(f"{before}{space}{one}" for one in singulars_and_plurals(last))]


@cache
def _nearest() -> Mapping[str, str]:
    packed = files("photofind.words").joinpath("nearest.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    return dict(line.split("\t") for line in lines)
