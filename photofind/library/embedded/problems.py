"""What was found wrong with the files of a library, until it is solved."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Problems"]


class Problems:
    """Lines for the user, each with what tells that it does not hold any more."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[[], bool]] = {}
        self._lasting: set[str] = set()

    def add(self, line: str, is_solved: Callable[[], bool], *, lasting: bool = False) -> None:
        """Take note of a problem, until ``is_solved`` says that it is none any more.

        One that is ``lasting`` is not repaired, but solved by the user.
        """
        self._known[line] = is_solved
        if lasting:
            self._lasting.add(line)

    @property
    def lines(self) -> list[str]:
        """The problems that are not solved, the oldest first."""
        for line, is_solved in list(self._known.items()):
            if is_solved():
                self._known.pop(line, None)
        return list(self._known)

    def clear(self) -> None:
        """Forget those that were repaired."""
        self._known = {line: one for line, one in self._known.items() if line in self._lasting}
