from __future__ import annotations

import threading

from waiting import patience

from photofind.indexing.giving_way import giving_way


def test_work_is_stopped_until_it_ends_however_many_calls_it_consists_of():
    stops = threading.Semaphore(0)
    with giving_way(lambda: False, stops.release):
        for _ in range(3):
            assert stops.acquire(timeout=patience(10))


def test_work_that_may_go_on_is_left_alone():
    asked, stops = threading.Event(), threading.Semaphore(0)

    def go_on() -> bool:
        asked.set()
        return True

    with giving_way(go_on, stops.release):
        assert asked.wait(patience(10))
    assert not stops.acquire(blocking=False)
