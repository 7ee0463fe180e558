from __future__ import annotations

import threading

from simulated import SimulatedExtraction
from waiting import wait_until

from photofind.indexing.extractor_queues import ExtractorQueues
from photofind.indexing.reading import Reader
from photofind.library.memory import MemoryStore


class LateExtraction(SimulatedExtraction):
    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.may_load = threading.Event()

    def info(self):
        assert self.may_load.wait(60)
        return super().info()


def test_one_that_hangs_gives_way_to_one_that_is_loaded_meanwhile():
    late = LateExtraction("late")
    extractions = {"stuck": SimulatedExtraction(name="stuck"), "late": late}
    queues = ExtractorQueues(
        MemoryStore(),
        extractions.__getitem__,
        lambda extraction, space, made_by: Reader(None, extraction, space, None),
        report=lambda reason: None,
    )
    queues.open(["stuck", "late"], again=True, together={})
    stuck = queues.first
    assert [queue.extractor for queue in queues] == ["stuck"]
    assert not queues.has_other(stuck)
    late.may_load.set()
    wait_until(lambda: queues.has_other(stuck), "the late one")
    queues.yield_first(stuck)
    assert queues.look()
    assert [queue.extractor for queue in queues] == ["late", "stuck"]
    assert not queues.has_other(queues.first)
