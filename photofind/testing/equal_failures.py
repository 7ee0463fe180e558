"""Leaving out checks of an extractor that fails in the same way in each."""

from __future__ import annotations

import unittest

from photofind.errors import ExtractorError, WorkerError

__all__ = ["EqualFailures"]


class EqualFailures:
    """Remembers how an extractor itself failed in checks, until it has failed twice so."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._twice = ""

    def add(self, name: str, error: ExtractorError | WorkerError) -> None:
        """Remember the error that an extractor raised in a check, or in what is called so."""
        # What is in parentheses says for which picture.
        reason = error.message.partition(" (of ")[0]
        first = self._seen.setdefault(reason, name)
        if first != name and not self._twice:
            self._twice = f"{first} and {name} fail in the same way"

    @property
    def reason(self) -> str:
        """Why no other check is run; empty if they are."""
        return self._twice

    def skip_the_rest(self) -> None:
        """Raise ``unittest.SkipTest`` once two checks failed in the same way."""
        if self._twice:
            raise unittest.SkipTest(f"not run: {self._twice}")
