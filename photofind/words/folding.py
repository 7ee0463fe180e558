"""Text becomes tokens: in one case, without accents, names of files taken apart.

What is indexed and what is asked for pass through the same functions, so the tokenizer of the full
text engine has nothing left to decide.

Scripts that put no spaces between words (Chinese, Japanese, Thai ...) become one token for each
character: a word of them is a phrase, which is found wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from photofind.model.plurals import singulars_and_plurals

__all__ = ["BREAK", "indexed", "spelled_otherwise", "tokens"]

BREAK = "\u241e"
"""Stands between two texts; nobody types it."""

LONGEST = 64
"""Characters of a token that count."""

# Letters that no decomposition takes apart.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
# Han, kana and its marks, Bopomofo, Thai, Lao, Myanmar, Khmer; Korean has spaces.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
# The scripts of India, whose vowels are marks that Python counts as no part of a word.
_MARKED = "\u0900-\u0963\u0971-\u0dff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|\d+|(?:[^\W\d_{_UNSPACED}]|[{_MARKED}])+")
# The accents of Latin, Greek and Cyrillic letters, the points of Hebrew and Arabic ones. Other
# marks make other letters, as in kana.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f]")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])")
_SYMBOLS = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
"""Emoji and arrows: people write them into captions and names."""


def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, in their order.

    "IMG_0042 Straße.jpg" gives "img", "0042", "strasse", "jpg".
    """
    return _tokens(text[:8192])


@lru_cache(65536)
def _tokens(text: str) -> tuple[str, ...]:
    if text.isascii():
        found = _TOKEN.findall(text.lower())
    else:
        found = _TOKEN.findall(_SYMBOLS.sub(_named, _folded(text)))
    return tuple(token[:LONGEST] for token in found)


def indexed(texts: Iterable[str]) -> str:
    """Return what is indexed of some texts: their tokens, between spaces.

    A phrase reaches from no text into the next. Words in camel case are indexed whole and in parts:
    "RedBus" is found by "redbus" and by "red bus".
    """
    parts: list[str] = []
    for text in texts:
        parts += _parts(text)
        parts.append(BREAK)
    return " ".join(parts[:-1])


@lru_cache(16384)
def _parts(text: str) -> tuple[str, ...]:
    whole = tokens(text)
    humps = _HUMP.sub(" ", text)
    if humps == text:
        return whole
    apart = tokens(humps)
    return apart if apart == whole else (*apart, BREAK, *whole)


def spelled_otherwise(token: str) -> list[str]:
    """Return how else a token may be written: "muenchen" for "munchen", "dog" for "dogs"."""
    others = [token.replace(long, short) for long, short in _UMLAUTS if long in token]
    if token.isalpha():
        others += singulars_and_plurals(token)
    return others


_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


def _folded(text: str) -> str:
    """Return a text in one case and without accents."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_PLAIN)


def _named(found: re.Match[str]) -> str:
    """Return an emoji as a word: nothing else of it would be a token."""
    return f" x{ord(found[0]):x} ".translate(_DIGITS)


# A number in a token would split it.
_DIGITS = str.maketrans("0123456789", "ghijklmnop")
