"""What is remembered of the conversion of a network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import pytest

from photofind.errors import (
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerResourceError,
    WorkerTimeoutError,
)
from photofind.extractors import networks
from photofind.extractors.networks import KerasNetwork


@pytest.mark.parametrize(
    ("failure", "conversions"),
    [
        (WorkerTimeoutError, 2),
        (WorkerKilledError, 2),
        (WorkerResourceError, 2),
        (WorkerCrashedError, 1),
        (WorkerMemoryError, 1),
    ],
)
def test_a_conversion_that_a_busy_machine_stopped_is_tried_again(
    failure: type[WorkerError],
    conversions: int,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class FailingWorker:
        """Takes the place of the process that converts."""

        def __init__(self, *arguments: Any, **options: Any) -> None: ...

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exception: object) -> None: ...

        def call(self, method: str, timeout: float) -> Any:
            asked.append(method)
            if method == "convert":
                raise failure("the conversion worker failed")
            return SimpleNamespace(value=[[8, 8], [4]])

    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path))
    monkeypatch.setattr(networks, "Worker", FailingWorker)
    for _ in range(2):
        verdict = KerasNetwork("package.module:build", {}, "key").verdict
        assert verdict.engine == "Keras"
        assert verdict.output_shape == (4,)
    assert asked.count("convert") == conversions
