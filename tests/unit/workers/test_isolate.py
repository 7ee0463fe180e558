from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photofind.errors import (
    ExtractorError,
    WorkerCrashedError,
    WorkerError,
    WorkerOverdueError,
    WorkerStartError,
    WorkerStoppedError,
    WorkerTimeoutError,
)
from photofind.workers import isolate


class Runner:
    """Runs batches like a worker, `threads` items at a time; crashes on guilty items."""

    def __init__(self, guilty=(), threads=0, failures=()):
        self.guilty = set(guilty)
        self.threads = threads  # 0: no notes.
        self.failures = list(failures)  # Raised by the first calls for any batch.
        self.batches = []

    def __call__(self, batch, note):
        self.batches.append(list(batch))
        if self.failures:
            raise self.failures.pop(0)
        for start in range(0, len(batch), self.threads or 1):
            group = range(start, min(start + (self.threads or 1), len(batch)))
            if self.threads:
                for position in group:
                    note({"started": position})
            if self.guilty & {batch[position] for position in group}:
                raise WorkerCrashedError("the worker was killed by SIGSEGV")
            if self.threads:
                for position in group:
                    note({"finished": position})
        return [item * 10 for item in batch]


def settle(items, run):
    """Return the results and the errors, by item."""
    results, errors = {}, {}
    for batch, outcome in isolate(items, run):
        if isinstance(outcome, WorkerError):
            (item,) = batch
            assert item not in errors
            errors[item] = outcome
        else:
            for item, result in zip(batch, outcome, strict=True):
                assert item not in results
                results[item] = result
    return results, errors


@given(st.data(), st.integers(0, 80), st.integers(0, 4))
def test_each_item_is_settled_once_in_few_calls(data, count, threads):
    items = list(range(count))
    guilty = data.draw(st.sets(st.sampled_from(items), max_size=5)) if items else set()
    run = Runner(guilty, threads)
    results, errors = settle(items, run)
    assert set(errors) == guilty
    assert results == {item: item * 10 for item in items if item not in guilty}
    suspects = threads or count
    each = 2 + math.ceil(math.log2(suspects)) if suspects else 0
    assert len(run.batches) <= len(guilty) * each + 1


def test_a_batch_without_failures_is_one_call():
    run = Runner()
    assert list(isolate([1, 2, 3], run)) == [([1, 2, 3], [10, 20, 30])]
    assert len(run.batches) == 1


def test_no_items_is_no_call():
    run = Runner()
    assert list(isolate([], run)) == []
    assert run.batches == []


def test_suspects_are_tried_first_and_the_innocent_in_one_batch():
    run = Runner({5}, threads=2)
    settle(list(range(100)), run)
    assert run.batches[1:3] == [[4], [5]]
    assert run.batches[3] == [*range(4), *range(6, 100)]
    assert len(run.batches) == 4


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_failure_that_is_not_repeated_has_no_guilty_item(count, threads):
    run = Runner(threads=threads, failures=[WorkerCrashedError("killed by SIGKILL")])
    results, errors = settle(list(range(count)), run)
    assert errors == {}
    assert len(results) == count


def test_a_single_guilty_item_is_confirmed():
    run = Runner({7})
    _, errors = settle([7], run)
    assert list(errors) == [7]
    assert run.batches == [[7], [7]]


def test_the_error_is_that_of_the_item_alone():
    first, second = WorkerCrashedError("out of memory"), WorkerTimeoutError("no progress")
    _, errors = settle([7], Runner(failures=[first, second]))
    assert errors == {7: second}


def test_invalid_notes_are_ignored():
    def run(batch, note):
        for value in (None, "started", {"started": 99}, {"started": "a"}, {"finished": 3}, 5):
            note(value)
        if 2 in batch:
            raise WorkerError("broken")
        return batch

    results, errors = settle_plain([1, 2, 3], run)
    assert results == [1, 3]
    assert errors == [2]


def settle_plain(items, run):
    results, errors = [], []
    for batch, outcome in isolate(items, run):
        (errors if isinstance(outcome, WorkerError) else results).extend(batch)
    return sorted(results), errors


@pytest.mark.parametrize("error", [WorkerStartError, WorkerStoppedError, ExtractorError])
def test_errors_without_a_guilty_item_are_raised(error):
    run = Runner(failures=[error("not an item's fault")])
    with pytest.raises(error):
        list(isolate([1, 2, 3], run))
    assert len(run.batches) == 1


def test_equal_items_are_distinguished_by_position():
    results, errors = settle_plain(["a", "a", "b"], lambda batch, note: batch)
    assert results == ["a", "a", "b"]
    assert errors == []


def test_what_a_worker_gave_up_is_guilty_at_once():
    batches = []

    def run(batch, note):
        batches.append(list(batch))
        for position in range(len(batch)):
            note({"started": position})
        for slow in (11, 3):
            if slow in batch:
                note({"overdue": batch.index(slow), "seconds": 1.0})
                raise WorkerOverdueError("gave up")
        return sum(batch)

    outcomes = list(isolate(range(20), run))
    assert [batch for batch, outcome in outcomes if isinstance(outcome, WorkerOverdueError)] == [
        [11],
        [3],
    ]
    assert sorted(item for batch, _ in outcomes for item in batch) == list(range(20))
    assert len(batches) == 3


def test_what_a_worker_gave_up_among_suspects_is_guilty_at_once():
    batches = []

    def run(batch, note):
        batches.append(list(batch))
        for position in range(len(batch)):
            note({"started": position})
        if len(batch) > 4:
            raise WorkerCrashedError("crashed")
        if 1 in batch:
            note({"overdue": batch.index(1), "seconds": 1.0})
            raise WorkerOverdueError("gave up")
        return sum(batch)

    outcomes = list(isolate(range(8), run))
    assert [batch for batch, outcome in outcomes if isinstance(outcome, WorkerOverdueError)] == [
        [1]
    ]
    assert sorted(item for batch, _ in outcomes for item in batch) == list(range(8))
    assert [1] not in batches
