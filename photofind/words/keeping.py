"""The text index follows the library, in a thread of the daemon."""

from __future__ import annotations

import logging
import threading
import time

from photofind.errors import PhotofindError
from photofind.library.store import Store, TellsChanges
from photofind.words.text_index import TextIndex

__all__ = ["TextIndexKeeper"]

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.5
"""Changes come in batches: those of so long are taken in together."""

SHARE = 10
"""For each second of work it waits so many, while photos keep coming."""

RETRY_SECONDS = 60.0


class TextIndexKeeper:
    """Brings the text index up to date soon after the library changed.

    Parameters
    ----------
    index
        The index.
    store
        The library that it is made from.

    Attributes
    ----------
    problems
        What keeps it from being up to date, one line each.
    """

    def __init__(self, index: TextIndex, store: Store) -> None:
        self._index = index
        self._store = store
        self._changed = threading.Event()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="text index", daemon=True)
        self.problems: list[str] = []

    def start(self) -> None:
        """Begin; what changed before is taken in too."""
        self._changed.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop, in the middle of an update too: what was written stays."""
        self._stopping.set()
        self._changed.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def library_changed(self) -> None:
        """Note that the library changed."""
        self._changed.set()

    def wanted(self) -> None:
        """Note that somebody searches: what changed is taken in at once."""
        self._changed.set()
        self._wanted.set()

    def _run(self) -> None:
        is_first = True
        while True:
            self._changed.wait()
            self._wanted.wait(QUIET_SECONDS)
            self._changed.clear()
            self._wanted.clear()
            if self._stopping.is_set():  # Asked last: a stop that was cleared just now counts.
                return
            began = time.monotonic()
            try:
                self._index.update(
                    self._store,
                    # The daemon's answers come first: this gives way after each batch.
                    progress=lambda progress: self._give_way(),
                    stopped=self._stopping.is_set,
                )
                self.problems = []
                # After all photos were compared, such a store tells what else changed.
                is_cheap_from_now_on = is_first and isinstance(self._store, TellsChanges)
                wait = 0.0 if is_cheap_from_now_on else SHARE * (time.monotonic() - began)
                is_first = False
            except PhotofindError as error:
                wait = self._note(str(error))
            except Exception as error:
                log.exception("the text index could not be updated")
                wait = self._note(f"the text index could not be updated: {error}")
            self._wanted.wait(wait)

    def _give_way(self) -> None:
        self._stopping.wait(0.02)

    def _note(self, problem: str) -> float:
        if problem not in self.problems:
            log.error("%s", problem)
        self.problems = [problem]
        self._changed.set()  # It is tried again.
        return RETRY_SECONDS
