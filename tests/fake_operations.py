"""A double of photofind: it has every declared operation, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from photofind.declaration import Operation, derive
from photofind.operations import Operations
from photofind.settings import Settings

__all__ = ["FakeOperations"]


@partial(derive, by_hand=True)
class FakeOperations(Operations):
    """Answers each operation with ``answer_NAME``: a value, or a function of the arguments.

    Parameters
    ----------
    answers
        By the names of operations.

    Attributes
    ----------
    asked
        The operations that were asked, with their arguments: one, or a tuple of several.
    error
        Raised by each operation, unless it is None.
    """

    settings = problems = None

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.error: Exception | None = None
        self.problems: list[str] = []
        self.settings = Settings()
        for name, answer in answers.items():
            setattr(self, f"answer_{name}", answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def close(self) -> None: ...

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        return self._answer("thumbnail_of", {"path": path, "size": size})

    def _carry_out(self, declared: Operation, arguments: Mapping[str, Any]) -> Any:
        return self._answer(declared.name, arguments)

    def _answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        values = [
            tuple(value) if isinstance(value, list) else value
            for value in arguments.values()
            if not callable(value)
        ]
        self.asked.append((name, tuple(values) if len(values) > 1 else (values or [None])[0]))
        if self.error is not None:
            raise self.error
        answer = getattr(self, f"answer_{name}", None)
        return answer(**arguments) if callable(answer) else answer
