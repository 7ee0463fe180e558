"""Pages that are open in a browser are admitted again by a restarted daemon.

A page's cookie ends with the daemon that set it. Each page is given a key of its own while it is
let in; it proves to the next daemon that it has it, and is let in again. The next daemon has to be
where the page looks for it, so it takes the port of the last one if that is free.

Any user of the machine could take that port while there is no daemon. What such a server learns is
of no use to it: the proof is made for one question and one port, and a daemon elsewhere, or later,
asks another question.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass

from photofind.model import revive
from photofind.paths import Home, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["PageKeys", "Remembered", "recall", "remember"]

_NAME = "pages.json"
_SECONDS = 30
_MOST_QUESTIONS = 100


@dataclass(frozen=True)
class Remembered:
    """What a daemon leaves for the next one: its port, and the secret behind the keys of pages."""

    port: int
    key: str


def recall(home: Home) -> Remembered:
    """Return what the last daemon left; a new secret, and no port, if that cannot be read."""
    try:
        left = revive(Remembered, json.loads((home.root / _NAME).read_bytes()))
        if 0 < left.port < 65536 and re.fullmatch("[0-9a-f]{64}", left.key):
            return left
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    return Remembered(0, secrets.token_hex(32))


def remember(home: Home, left: Remembered) -> None:
    """Leave this for the next daemon.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    if recall(home) != left:
        with explain_disk_errors(home.root):
            write_atomically(home.root / _NAME, json.dumps(asdict(left)).encode())


class PageKeys:
    """Recognises pages that were admitted before.

    Parameters
    ----------
    key
        The secret behind the keys of pages, the same for every daemon of a home.
    port
        Of this one.
    """

    def __init__(self, key: str, port: int) -> None:
        self._key = key
        self._port = port
        self._questions: dict[str, float] = {}

    def key_for_page(self) -> dict[str, str]:
        """Return a new key for a page, and the name of the page."""
        page = secrets.token_hex(16)
        return {"page": page, "key": self._key_of(page)}

    def question(self) -> str:
        """Return a challenge that a page answers with its key, once, within 30 s."""
        now = time.monotonic()
        fresh = [item for item in self._questions.items() if item[1] > now]
        self._questions = dict(fresh[1 - _MOST_QUESTIONS :])
        question = secrets.token_hex(16)
        self._questions[question] = now + _SECONDS
        return question

    def proves(self, page: str, question: str, proof: str) -> bool:
        """Return whether a page has answered a challenge with its key."""
        if self._questions.pop(question, 0.0) <= time.monotonic():
            return False
        expected = _mac(self._key_of(page), f"{question} {self._port}")
        return hmac.compare_digest(proof.encode("utf-8", "replace"), expected.encode())

    def _key_of(self, page: str) -> str:
        return _mac(self._key, f"page {page}")


def _mac(key: str, message: str) -> str:
    return hmac.new(bytes.fromhex(key), message.encode(), hashlib.sha256).hexdigest()
