"""The text index follows the library in a thread, which ends when it is told to."""

from __future__ import annotations

import threading
from pathlib import Path

from photofind.library.memory import MemoryStore
from photofind.words.keeping import TextIndexKeeper
from photofind.words.text_index import TextIndex


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
