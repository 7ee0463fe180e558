"""Pages that are open in a browser are admitted again by a restarted daemon.

A page's cookie ends with the daemon that set it. Each page is given a key of its own while it is
let in. The next daemon and the page prove to each other that they know this key, and the page is
let in again. The next daemon has to be where the page looks for it, so it takes the port of the
last one if that is free.

- The keys of one daemon are known to the next one, and to no later one. They end a week after the
  link that let the browser in, however often its pages returned since.
- Any user of the machine can take the port while there is no daemon. Such a server learns nothing
  of use: a proof is made for one question, one port and one host, and a page goes nowhere unless it
  was shown a proof.
- Questions are not kept but recognised by their seal, so nobody can have them forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, field, replace

from photofind.model import revive
from photofind.paths import Home, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = ["Generation", "PageKeys", "recall", "remember"]

_NAME = "pages.json"
_VERSION = 2
_QUESTION_SECONDS = 30
_KEY_SECONDS = 7 * 86400


@dataclass(frozen=True)
class Generation:
    """What a daemon leaves for the next one.

    Parameters
    ----------
    port, host
        Where its pages are; the host is empty if they cannot return.
    key
        The secret behind the keys of its pages.
    named
        Pictures from outside the library that its pages may show.
    version
        Of this record.
    """

    port: int
    host: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    named: tuple[str, ...] = ()
    version: int = _VERSION


def recall(home: Home) -> Generation:
    """Return what the last daemon left; no port, and no pages, if that cannot be read."""
    try:
        plain = {"version": 1, **json.loads((home.root / _NAME).read_bytes())}
        left = revive(Generation, plain)
        if (
            0 < left.port < 65536
            and re.fullmatch("[0-9a-f]{64}", left.key)
            and re.fullmatch(r"[a-z0-9.-]*", left.host)
            and left.version <= _VERSION
        ):
            return left
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    return Generation(0)


def remember(home: Home, left: Generation) -> None:
    """Leave this for the next daemon.

    Raises
    ------
    LibraryError
        The disk refuses.
    """
    with explain_disk_errors(home.root):
        write_atomically(home.root / _NAME, json.dumps(asdict(left)).encode())


class PageKeys:
    """Gives keys to the pages of this daemon, and recognises those of the last one.

    Parameters
    ----------
    last, own
        The generations.
    """

    def __init__(self, last: Generation, own: Generation) -> None:
        self._last = last
        self._own = own
        self._answered: dict[str, float] = {}

    def key_for_page(self, begun: float) -> dict[str, str]:
        """Return a new key for a page of a session that began then, and the name of the page."""
        page = f"{int(begun):x}-{secrets.token_hex(16)}"
        return {"page": page, "key": _key_of(page, self._own)}

    def introduction(self, page: str, question: str) -> dict[str, str] | None:
        """Return a question for a page, and a proof that this is the next daemon.

        A page answers with its key within 30 s, once.

        Parameters
        ----------
        question
            Of the page.

        Returns
        -------
        introduction
            None if the page is not of the last daemon, or is too old.
        """
        if _begun(page) is None:
            return None
        text = f"{int(time.time()) + _QUESTION_SECONDS:x}-{secrets.token_hex(16)}"
        asked = f"{text}-{self._seal(page, text)}"
        here = f"{self._own.port} {self._own.host}"
        proof = _mac(_key_of(page, self._last), f"daemon {question} {asked} {here}")
        return {"question": asked, "host": self._own.host, "proof": proof}

    def proves(self, page: str, question: str, proof: str) -> float | None:
        """Return when the session of a page began if it has answered a question; else None."""
        begun = _begun(page)
        text, _, seal = question.rpartition("-")
        if begun is None or not _equal(seal, self._seal(page, text)):
            return None
        until, now = int(text.partition("-")[0], 16), time.time()
        expected = _mac(
            _key_of(page, self._last), f"page {question} {self._own.port} {self._own.host}"
        )
        if until <= now or question in self._answered or not _equal(proof, expected):
            return None
        self._answered = {one: end for one, end in self._answered.items() if end > now}
        self._answered[question] = until
        return begun

    def change(self) -> Generation:
        """Forget all keys that were given to pages; return what to leave for the next daemon."""
        self._own = replace(self._own, key=secrets.token_hex(32))
        return self._own

    def _seal(self, page: str, text: str) -> str:
        return _mac(self._own.key, f"question {page} {text}")


def _begun(page: str) -> float | None:
    """Return when the session of a page began; None if that is no page, or too long ago."""
    if not re.fullmatch("[0-9a-f]{1,12}-[0-9a-f]{32}", page):
        return None
    begun = float(int(page.partition("-")[0], 16))
    return begun if begun + _KEY_SECONDS > time.time() else None


def _key_of(page: str, generation: Generation) -> str:
    return _mac(generation.key, f"page {page}")


def _mac(key: str, message: str) -> str:
    encoded = message.encode("utf-8", "replace")
    return hmac.new(bytes.fromhex(key), encoded, hashlib.sha256).hexdigest()


def _equal(text: str, secret: str) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "replace"), secret.encode())
