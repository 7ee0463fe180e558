"""What is said of a photo whose worker fails: whether the photo may be to blame."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photofind.errors import (
    ExtractorError,
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerOverdueError,
    WorkerResourceError,
    WorkerTimeoutError,
)
from photofind.extractors import photo_batches
from photofind.extractors.extraction import Extraction
from photofind.system.reach import Reach
from photofind.workers import Reply, Worker


def extraction_with(error: WorkerError, monkeypatch: pytest.MonkeyPatch) -> Extraction:
    """Return an extraction whose worker fails with an error, whatever it is asked."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(Worker, "call", fail)
    return Extraction("mobilenet")


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (WorkerKilledError("was killed by SIGKILL"), True),
        (WorkerTimeoutError("showed no progress"), True),
        (WorkerOverdueError("showed no progress"), False),
        (WorkerCrashedError("was killed by SIGSEGV"), False),
        (WorkerMemoryError("took more than 6,000 MB"), False),
        (WorkerError("ValueError: no network for this"), False),
    ],
)
def test_a_photo_is_tried_again_where_the_machine_may_be_to_blame(
    monkeypatch: pytest.MonkeyPatch, error: WorkerError, passing: bool
) -> None:
    with extraction_with(error, monkeypatch) as extraction:
        (extracted,) = extraction.extract(["/a.jpg"])
    assert extracted.refused
    assert extracted.passing is passing


def test_no_photo_is_blamed_for_what_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    error = WorkerResourceError("extraction worker: RuntimeError: can't start new thread")
    with (
        extraction_with(error, monkeypatch) as extraction,
        pytest.raises(ExtractorError, match="can't start new thread"),
    ):
        extraction.extract(["/a.jpg"])


def test_a_file_that_does_not_answer_costs_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker that waits for it is ended, and the others are read by another one."""
    asleep = threading.Event()
    hanging, calls = str(tmp_path / "b.jpg"), []
    reach = Reach(patience=2.0, first_pause=60.0)  # Those that answer are to be in time.
    monkeypatch.setattr(
        photo_batches, "read_through", lambda path, beat: path == hanging and asleep.wait()
    )

    def call(method: str, *, paths: list[str], note: Any, suspect: Any, **options: Any) -> Reply:
        calls.append(paths)
        for position in range(len(paths)):
            note({"started": position})
        if hanging in paths:
            suspect()
        return Reply([{"content": path} for path in paths], [np.zeros((0, 2), np.float32)])

    with Extraction("mobilenet", reach=reach) as extraction:
        monkeypatch.setattr(extraction._worker, "call", call)
        paths = [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg")]
        for _ in range(2):  # The second time, no worker is tried with it.
            a, b, c = extraction.extract(paths)
            assert (b.failure, b.passing, b.refused) == ("it does not answer", True, False)
            assert (a.content, c.content) == (paths[0], paths[2])
    asleep.set()
    reach.close()
    assert calls == [paths, [paths[0], paths[2]], [paths[0], paths[2]]]
