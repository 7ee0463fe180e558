"""What is said of a photo whose worker fails: whether the photo may be to blame."""

from __future__ import annotations

from typing import Any

import pytest

from photofind.errors import (
    ExtractorError,
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerResourceError,
    WorkerTimeoutError,
)
from photofind.extractors.extraction import Extraction


def extraction_with(error: WorkerError, monkeypatch: pytest.MonkeyPatch) -> Extraction:
    """Return an extraction whose worker fails with an error, whatever it is asked."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    extraction = Extraction("mobilenet")
    monkeypatch.setattr(extraction._worker, "call", fail)
    return extraction


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (WorkerKilledError("was killed by SIGKILL"), True),
        (WorkerTimeoutError("showed no progress"), True),
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
