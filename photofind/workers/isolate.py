"""Finding the items of a batch that take their worker down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from photofind.errors import (
    WorkerError,
    WorkerOverdueError,
    WorkerResourceError,
    WorkerStartError,
    WorkerStoppedError,
)

__all__ = ["isolate"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Note: TypeAlias = Callable[[Any], None]


def isolate(
    items: Sequence[Item], run: Callable[[list[Item], Note], Result]
) -> Iterator[tuple[list[Item], Result | WorkerError]]:
    """Run a batch; if it fails as a whole, find the guilty items and run the others.

    An item is guilty if it fails alone after a batch with it has failed. A failure that does not
    happen again, such as an out-of-memory kill, leaves no item guilty.

    Parameters
    ----------
    items
        The items; each is run at least once.
    run
        Called with a batch and a callable to pass on to :meth:`photofind.workers.Worker.call`.
        The notes ``{"started": i}`` and ``{"finished": i}``, where ``i`` is a position in the
        batch or a list of some, name the suspects: the items in progress at the failure. Without
        such notes all items are suspects. ``{"overdue": i}`` names the one that a worker gave up. A
        single one that took too much processor time is guilty at once. Other notes are ignored.

    Yields
    ------
    batch : list
        Items that are done; the batches together hold each item once.
    outcome : Result or WorkerError
        What ``run`` returned for them, or the error of the single item in it.

    Raises
    ------
    WorkerResourceError, WorkerStartError, WorkerStoppedError
        From ``run``: no item is to blame.
    PhotofindError
        From ``run``, if it is not a ``WorkerError``: likewise.

    Notes
    -----
    Suspects are halved until one fails alone: for each guilty item at most
    ``2 + ceil(log2(suspects))`` calls, and one final call for all others.
    """
    untried = list(items)
    while untried:
        outcome, suspects, others = _attempt(untried, run)
        if not isinstance(outcome, WorkerError):
            yield untried, outcome
            return
        untried = others
        if isinstance(outcome, WorkerOverdueError) and len(suspects) == 1:
            yield suspects, outcome
            continue
        while suspects:  # They failed together, so an item that now fails alone is guilty.
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
                elif isinstance(outcome, WorkerOverdueError) and len(suspects) == 1:
                    yield suspects, outcome
                    suspects = []


def _attempt(
    batch: list[Item], run: Callable[[list[Item], Note], Result]
) -> tuple[Result | WorkerError, list[Item], list[Item]]:
    """Return the outcome for ``batch`` and, if it is an error, its suspects and the others."""
    in_progress: set[int] = set()
    overdue: set[int] = set()

    def note(value: Any) -> None:
        match value:
            case {"started": int(position)}:
                in_progress.add(position)
            case {"finished": int(position)}:
                in_progress.discard(position)
            case {"finished": [*positions]}:
                in_progress.difference_update(one for one in positions if isinstance(one, int))
            case {"overdue": int(position)}:
                overdue.add(position)

    try:
        return run(batch, note), [], []
    except (WorkerResourceError, WorkerStartError, WorkerStoppedError):
        raise
    except WorkerError as error:
        if isinstance(error, WorkerOverdueError):
            in_progress = overdue or in_progress  # Named only where it ended itself.
        suspects = [item for position, item in enumerate(batch) if position in in_progress]
        others = [item for position, item in enumerate(batch) if position not in in_progress]
        return (error, suspects, others) if suspects else (error, batch, [])
