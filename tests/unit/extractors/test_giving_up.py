"""When an extractor is given up."""

from __future__ import annotations

import pytest

from photofind.errors import ExtractorError, WorkerCrashedError, WorkerTimeoutError
from photofind.extractors.giving_up import Patience


@pytest.fixture
def patience() -> Patience:
    return Patience("sunset", megabytes=1500, seconds=60)


def test_an_extractor_that_exceeds_its_memory_after_few_photos_again_and_again(
    patience: Patience,
) -> None:
    patience.count(499, 1)
    patience.count(10, 2)
    with pytest.raises(ExtractorError, match=r"'sunset' .* 1,500 MB .* 3 times in a row") as error:
        patience.count(10, 3)
    assert "worker_megabytes" in error.value.hint
    patience.count(10, 4)  # It may be tried again.


def test_an_extractor_that_exceeds_its_memory_after_many_photos_only(patience: Patience) -> None:
    for restarts in range(1, 20):
        patience.count(300, restarts - 1)
        patience.count(300, restarts)


def test_an_extractor_that_makes_no_progress_with_any_photo(patience: Patience) -> None:
    for _ in range(2):
        patience.embeds(True)
        patience.count_failure(WorkerTimeoutError("nothing for 60 s"))
    with pytest.raises(ExtractorError, match="no progress for 60 s with each of 3 photos"):
        patience.count_failure(WorkerTimeoutError("nothing for 60 s"))


def test_an_extractor_that_has_embedded_a_photo_is_not_to_blame(patience: Patience) -> None:
    patience.embeds(True)
    patience.embeds(False)
    for _ in range(9):
        patience.embeds(True)
        patience.count_failure(WorkerTimeoutError("nothing for 60 s"))


def test_photos_that_crash_it_or_that_it_never_got_do_not_count(patience: Patience) -> None:
    for _ in range(9):
        patience.begins()
        patience.count_failure(WorkerTimeoutError("nothing for 60 s"))
        patience.embeds(True)
        patience.count_failure(WorkerCrashedError("signal 11"))
