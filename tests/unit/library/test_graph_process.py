"""What came after a graph was built is taken into it in the background, by a stand-in here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_until

from photofind.errors import WorkerError
from photofind.library.embedded import graph_process
from photofind.library.embedded.graph_process import GraphProcess
from photofind.workers import Reply

BUILT = 100
POINTS = np.eye(4, dtype=np.float32)


class FakeIndex:
    """An index of which some fresh points are on disk."""

    def __init__(self, rows: list[int]) -> None:
        self.saved_rows = np.array(rows)
        self.facts = type("Facts", (), {"graph_points": BUILT, "folder": "index-1"})()

    @property
    def saved(self) -> int:
        return len(self.saved_rows)

    @property
    def saved_points(self) -> np.ndarray:
        return np.repeat(self.saved_rows[:, np.newaxis], 4, axis=1).astype(np.float32)

    def points(self, positions: np.ndarray) -> np.ndarray:
        return POINTS[positions]


class FakeWorker:
    """Keeps what it is given; one call at a time, as the worker's."""

    def __init__(self) -> None:
        self.running = False
        self.taken: list[float] = []
        self.extending: Callable[[], None] = lambda: None
        self._calling = threading.Lock()

    def call(self, method: str, points: np.ndarray, **options: int) -> Reply:
        with self._calling:
            self.running = True
            if method == "extend":
                self.extending()
                assert len(points) <= graph_process.BATCH
                if options["first"] == BUILT + len(self.taken):
                    self.taken += points[:, 0].tolist()
                return Reply(BUILT + len(self.taken), [])
            shape = len(points), options["count"]
            found = [np.zeros(shape, np.int64), np.zeros(shape, np.float32)]
            return Reply(BUILT + len(self.taken), found)

    def end(self) -> None:
        with self._calling:
            self.running, self.taken = False, []

    def stop(self) -> None:
        self.running = False


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
    worker = FakeWorker()
    monkeypatch.setattr(graph_process, "Worker", lambda *_, **__: worker)
    return worker


@pytest.fixture
def opened(tmp_path: Path, worker: FakeWorker) -> Iterator[Callable[[FakeIndex], GraphProcess]]:
    """Load the graph of an index."""
    graphs = []

    def open_it(index: FakeIndex) -> GraphProcess:
        note = tmp_path / "compiled"
        note.write_text(graph_process._compilers(), "utf-8")
        graph = GraphProcess(tmp_path, index, tmp_path, tmp_path / "log")  # type: ignore[arg-type]
        graphs.append(graph)
        assert graph.wait(30)
        return graph

    yield open_it
    for graph in graphs:
        graph.stop()


def test_what_is_there_is_taken_in_once_the_graph_is_loaded(opened, worker) -> None:
    graph = opened(FakeIndex([*range(200)]))
    wait_until(lambda: graph.taken_in == 200, "all", 30)
    assert worker.taken == [*range(200)]


def test_what_comes_is_taken_in_without_a_query(opened, worker) -> None:
    graph = opened(FakeIndex([]))
    assert graph.follow(FakeIndex([7, 8, 9]))
    wait_until(lambda: worker.taken == [7, 8, 9], "three", 30)
    # A view that is older changes nothing.
    assert graph.follow(FakeIndex([7]))
    assert graph.follow(FakeIndex([7, 8, 9, 12]))
    wait_until(lambda: worker.taken == [7, 8, 9, 12], "four", 30)


def test_a_query_that_comes_meanwhile_is_answered_in_between(opened, worker) -> None:
    held, go_on = [], threading.Semaphore(2)

    def extending() -> None:
        assert go_on.acquire(timeout=30)

    worker.extending = extending
    graph = opened(FakeIndex([*range(10 * graph_process.BATCH)]))
    wait_until(lambda: graph.taken_in == 2 * graph_process.BATCH, "two batches", 30)
    asking = threading.Thread(target=lambda: held.append(graph.nearest(POINTS, 1)[2]))
    asking.start()
    for _ in range(8):
        go_on.release()
    asking.join(30)
    assert held[0] in range(BUILT, BUILT + 10 * graph_process.BATCH + 1, graph_process.BATCH)
    # What the graph knows of it may be what the query was told, noted late.
    wait_until(lambda: worker.taken == [*range(10 * graph_process.BATCH)], "all", 30)


def test_a_process_that_ended_takes_all_in_again(opened, worker) -> None:
    index = FakeIndex([*range(100)])
    graph = opened(index)
    wait_until(lambda: graph.taken_in == 100, "all", 30)
    worker.end()
    assert not graph.ready
    graph.wake()
    assert graph.wait(30)
    assert graph.follow(index)
    wait_until(lambda: worker.taken == [*range(100)], "all again", 30)


def test_one_that_ends_in_between_takes_all_in_again(opened, worker) -> None:
    ended = []

    def extending() -> None:
        if len(worker.taken) == graph_process.BATCH and not ended:
            ended.append(True)
            worker.taken = []

    worker.extending = extending
    graph = opened(FakeIndex([*range(100)]))
    wait_until(lambda: graph.taken_in == 100, "all", 30)
    assert worker.taken == [*range(100)]


def test_an_index_that_begins_otherwise_is_not_followed(opened, worker) -> None:
    graph = opened(FakeIndex([1, 2, 3]))
    wait_until(lambda: graph.taken_in == 3, "three", 30)
    assert not graph.follow(FakeIndex([1, 4, 5, 6]))
    assert worker.taken == [1, 2, 3]


def test_what_cannot_be_taken_in_is_given_up(opened, worker, caplog) -> None:
    tries = []

    def extending() -> None:
        tries.append(True)
        raise WorkerError("out of memory")

    worker.extending = extending
    index = FakeIndex([1, 2])
    graph = opened(index)

    def is_told(times: int) -> bool:
        assert graph.follow(index)
        return caplog.text.count("is not taken into the graph: out of memory") == times

    wait_until(lambda: is_told(graph_process.MOST_FAILURES), "failures", 30)
    assert is_told(graph_process.MOST_FAILURES)
    assert graph.nearest(POINTS, 1)[2] == BUILT
    assert len(tries) == graph_process.MOST_FAILURES
