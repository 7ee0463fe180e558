"""Find the items of a batch that take their worker down, and lose nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from photofind.errors import WorkerError, WorkerStartError, WorkerStoppedError

__all__ = ["isolate"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Note: TypeAlias = Callable[[Any], None]


def isolate(
    items: Sequence[Item], run: Callable[[list[Item], Note], Result]
) -> Iterator[tuple[list[Item], Result | WorkerError]]:
    """Run a batch; where it fails as a whole, find the guilty items and run the others.

    An item is guilty when it fails alone after a batch with it has failed. A failure that does
    not come again, an out-of-memory kill for one, has nobody guilty.

    Parameters
    ----------
    items
        What to run, each once at least.
    run
        Called with a batch and a callable to pass on to :meth:`photofind.workers.Worker.call`.
        The notes ``{"started": i}`` and ``{"finished": i}``, where ``i`` is a position in the
        batch, name the suspects: what was being worked on at the failure. Without such notes all
        of the batch are suspects. Other notes are ignored.

    Yields
    ------
    batch : list
        Items that have now been dealt with; the batches together hold each item once.
    outcome : Result or WorkerError
        What ``run`` returned for them, or how the single one of them fails.

    Raises
    ------
    WorkerStartError, WorkerStoppedError
        From ``run``: no item is to blame.
    PhotofindError
        From ``run``, any that is not a ``WorkerError``: likewise.

    Notes
    -----
    Suspects are halved until one fails alone: for each guilty item at most
    ``2 + ceil(log2(suspects))`` calls, and one call for all that are left in the end.
    """
    untried = list(items)
    while untried:
        outcome, suspects, others = _attempt(untried, run)
        if not isinstance(outcome, WorkerError):
            yield untried, outcome
            return
        untried = others
        while suspects:  # They failed together, so that one that now fails alone is guilty.
            middle = (len(suspects) + 1) // 2
            half, rest = suspects[:middle], suspects[middle:]
            outcome, suspects, others = _attempt(half, run)
            if not isinstance(outcome, WorkerError):
                yield half, outcome
                suspects = rest
            else:
                untried += others + rest
                if len(half) == 1:
                    yield half, outcome
                    suspects = []


def _attempt(
    batch: list[Item], run: Callable[[list[Item], Note], Result]
) -> tuple[Result | WorkerError, list[Item], list[Item]]:
    """Return the outcome for ``batch`` and, where it is an error, its suspects and the others."""
    under_way: set[int] = set()

    def note(value: Any) -> None:
        match value:
            case {"started": int(position)}:
                under_way.add(position)
            case {"finished": int(position)}:
                under_way.discard(position)

    try:
        return run(batch, note), [], []
    except (WorkerStartError, WorkerStoppedError):
        raise
    except WorkerError as error:
        suspects = [item for position, item in enumerate(batch) if position in under_way]
        others = [item for position, item in enumerate(batch) if position not in under_way]
        return (error, suspects, others) if suspects else (error, batch, [])
