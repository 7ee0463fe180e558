"""The text index follows the library in a thread, which ends when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from photofind.library.embedded.store import EmbeddedStore
from photofind.library.memory import MemoryStore
from photofind.paths import Home
from photofind.words import keeping
from photofind.words.keeping import TextIndexKeeper
from photofind.words.text_index import TextIndex


@pytest.fixture
def library(home: Home) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(home, writable=True) as store:
        yield store


def test_a_stop_counts_that_comes_as_changes_are_taken_in(tmp_path: Path) -> None:
    keeper = TextIndexKeeper(TextIndex(tmp_path / "words.sqlite"), MemoryStore())
    stopper = threading.Thread(target=keeper.stop, daemon=True)

    class Stopping(threading.Event):
        """The flag of changes: just before it is cleared, another thread stops the keeper."""

        def clear(self) -> None:
            if not stopper.ident:
                stopper.start()
                keeper._wanted.wait()  # The last that stop() sets.
            super().clear()

    keeper._changed = Stopping()
    keeper.start()
    keeper._thread.join(30)
    assert not keeper._thread.is_alive()
    stopper.join(30)
    assert not stopper.is_alive()


def test_what_comes_right_after_all_were_compared_is_taken_in_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: EmbeddedStore
) -> None:
    updated = threading.Semaphore(0)
    index = TextIndex(tmp_path / "words.sqlite")
    monkeypatch.setattr(index, "update", lambda *_, **__: updated.release())
    monkeypatch.setattr(keeping, "SHARE", 1e9)  # Else it would wait for so long.
    keeper = TextIndexKeeper(index, library)
    keeper.start()
    try:
        assert updated.acquire(timeout=60)
        keeper.library_changed()
        assert updated.acquire(timeout=60)
    finally:
        keeper.stop()
