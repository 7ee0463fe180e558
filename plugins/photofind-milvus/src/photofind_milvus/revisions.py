"""Which commits are visible: several writers, no locks, and readers that see whole commits alone.

A commit is a row of the collection ``commits``. It is *begun* before anything else is written; the
server's time of that write is its *revision*, which no other one has. Each row of the library says
by which commit it was born, and by which it died. Writing the row of the commit anew, as
*committed*, makes all of them count at once. A *state* is the revision up to which commits count
and those that were not done by then, as in PostgreSQL's snapshots.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from pymilvus import DataType

from photofind.errors import LibraryError
from photofind_milvus.connection import Connection, Row

__all__ = ["ALIVE", "COMMITS", "Revisions", "Running", "State"]

COMMITS = "commits"
ALIVE = 1 << 62
"""What a row died by that is alive."""

_BEGUN, _COMMITTED, _GIVEN_UP = 0, 1, 2
_FIELDS = ["number", "status", "revision", "mark", "owner", "beat", "kinds"]

PATIENCE = 120.0
"""A commit that showed no life for so many seconds is of a process that is gone."""
_ALL_WRITTEN = 0  # A mark: requests wait until all is seen that anybody has written.
_TRIM_SECONDS = 300.0
_KEPT = 600_000 << 18
"""How long commits are listed, in the server's time: milliseconds above a counter of 18 bits."""


@dataclass(frozen=True)
class State:
    """What a reader sees: commits up to a revision, without some that were not done.

    Parameters
    ----------
    revision
        The last commit that counts, in the server's time.
    running
        The numbers of commits begun before it that do not count.
    """

    revision: int = 0
    running: frozenset[int] = frozenset()

    @property
    def version(self) -> str:
        """A text that is another one for each state."""
        return "-".join(map(str, (self.revision, *sorted(self.running))))

    @property
    def visible(self) -> str:
        """The expression of the rows that are there."""
        if not self.running:
            return f"born <= {self.revision} and died > {self.revision}"
        running = f"[{', '.join(map(str, sorted(self.running)))}]"
        return (
            f"born <= {self.revision} and not (born_by in {running})"
            f" and (died > {self.revision} or died_by in {running})"
        )

    @property
    def ended(self) -> str:
        """The expression of the rows that are there no more."""
        if not self.running:
            return f"died <= {self.revision}"
        running = f"[{', '.join(map(str, sorted(self.running)))}]"
        return f"(died <= {self.revision} and not (died_by in {running}))"

    @property
    def later(self) -> str:
        """The expression of the rows that were born since, committed or not."""
        if not self.running:
            return f"born > {self.revision}"
        running = f"[{', '.join(map(str, sorted(self.running)))}]"
        return f"(born > {self.revision} or born_by in {running})"


@dataclass
class Running:
    """A commit that is being made.

    Parameters
    ----------
    number
        Drawn at random; rows say by which commit they were written.
    revision
        The server's time when it was begun.
    beaten
        When it last showed that it is being made, in seconds of this process.
    kinds
        The kinds of records that it changes.
    """

    number: int
    revision: int
    beaten: float
    kinds: set[str] = field(default_factory=set)


class Revisions:
    """The commits of a library; threads may share it.

    Parameters
    ----------
    connection
        To its server.
    owner
        What tells the home of this process from others.
    take_back
        Takes back all that a commit has written, by its number.
    """

    def __init__(
        self, connection: Connection, owner: str, take_back: Callable[[int], None]
    ) -> None:
        self._connection = connection
        self._owner = owner
        self._take_back = take_back
        self._looking = threading.RLock()
        self._seen: dict[int, tuple[int, float]] = {}
        self._changed: dict[str, int] = {}
        self._trimmed = time.monotonic()
        self.state = State()

    def make(self, description: str) -> None:
        """Make the collection of commits."""
        whole: dict[str, Any] = {}
        fields = [
            ("number", DataType.INT64, whole),
            ("status", DataType.INT64, whole),
            ("revision", DataType.INT64, whole),
            ("mark", DataType.INT64, whole),
            ("owner", DataType.VARCHAR, {"max_length": 200}),
            ("beat", DataType.INT64, whole),
            ("kinds", DataType.VARCHAR, {"max_length": 1000}),
            ("vector", DataType.FLOAT_VECTOR, {"dim": 2}),
        ]
        index = {"index_type": "FLAT", "metric_type": "COSINE", "params": {}}
        self._connection.make(COMMITS, fields, index, description)

    def refresh(self, *, at_once: bool = False) -> bool:
        """Take in what was committed; return whether there was anything.

        What others have committed just now is seen after a moment, or ``at_once``, which waits.
        """
        with self._looking:
            old = self.state
            where = f"status != {_COMMITTED} or revision > {old.revision}"
            rows = self._rows(where, _ALL_WRITTEN if at_once else None)
            if old.running:
                known = {row["number"] for row in rows}
                if unknown := old.running - known:
                    listed = ", ".join(map(str, sorted(unknown)))
                    rows += self._rows(f"number in [{listed}]")
            return self._take_in(rows)

    def _take_in(self, rows: Collection[Row]) -> bool:
        """Make the state that some rows say; all are there that are begun, or came since."""
        old = self.state
        committed = [row for row in rows if row["status"] == _COMMITTED]
        begun = frozenset(row["number"] for row in rows if row["status"] == _BEGUN)
        revision = max((row["revision"] for row in committed), default=0)
        if revision <= old.revision and old.running <= begun:
            return False  # What began since the last commit has begun after it.
        for row in rows:
            if row["status"] != _BEGUN:
                self._connection.note(row["mark"])
        if revision > old.revision:
            self.state = State(revision, begun)
        else:
            self.state = State(old.revision, old.running & begun)
        self._count_changes(rows)
        return True

    def _count_changes(self, rows: Collection[Row]) -> None:
        """Count what commits have changed, once the state has them."""
        for row in rows:
            if row["status"] == _COMMITTED:
                self._connection.note(row["mark"])
                for kind in row["kinds"].split():
                    self._changed[kind] = self._changed.get(kind, 0) + 1

    def changes_of(self, kind: str) -> int:
        """Return a number that differs after commits that change records of a kind."""
        return self._changed.get(kind, 0)

    def begin(self) -> Running:
        """Begin a commit."""
        number = secrets.randbelow(1 << 53)
        return Running(number, self._put(number, _BEGUN, 0, 0), time.monotonic())

    def beat(self, running: Running) -> None:
        """Show that a commit is still being made.

        Raises
        ------
        LibraryError
            It took so long that others may have given it up.
        """
        now = time.monotonic()
        if now - running.beaten > PATIENCE / 2:
            raise LibraryError("the server took too long for a commit", "try the same again")
        if now - running.beaten > PATIENCE / 12:
            self._put(running.number, _BEGUN, 0, 0)
            running.beaten = now

    def others(self, running: Running, state: State) -> list[Row]:
        """Return the other commits that are not done, or came after a state."""
        where = f"status != {_COMMITTED} or revision > {state.revision}"
        rows = self._rows(where, self._connection.written)
        return [row for row in rows if row["number"] != running.number]

    def publish(self, running: Running, others: Collection[Row]) -> None:
        """Make a commit count, beside what was known of others after it had begun."""
        self.beat(running)
        written = self._connection.written
        kinds = " ".join(sorted(running.kinds))
        mark = self._put(running.number, _COMMITTED, running.revision, written, kinds)
        self._connection.note(mark)
        begun = {row["number"] for row in others if row["status"] == _BEGUN}
        with self._looking:
            # Another thread may have looked meanwhile. What was not known has begun after it.
            old, left = self.state, self.state.running - {running.number}
            if running.revision > old.revision:
                self.state = State(running.revision, left | begun)
            else:
                self.state = State(old.revision, left)
            self._count_changes([*others, {"status": _COMMITTED, "mark": mark, "kinds": kinds}])

    def give_up(self, running: Running) -> None:
        """Take back what a commit has written."""
        self._take_back(running.number)
        mark = self._put(running.number, _GIVEN_UP, 0, self._connection.written)
        self._connection.note(mark)

    def wait_for_others(self, numbers: Collection[int], seconds: float = 10.0) -> None:
        """Wait until some commits are done, or given up; at most some seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            listed = ", ".join(map(str, sorted(numbers)))
            rows = self._rows(f"number in [{listed}]") if numbers else []
            if all(row["status"] != _BEGUN for row in rows):
                return
            time.sleep(0.02 + secrets.randbelow(50) / 1000)

    def recover(self) -> int:
        """Take back what was left by processes that are gone; return how many commits.

        Those of this home are, for one process alone writes from it; those of others when they
        have shown no life for as long as they have to.
        """
        count = 0
        now = time.monotonic()
        # What was committed a moment ago must not be taken for what is begun.
        begun = list(self._rows(f"status == {_BEGUN}", _ALL_WRITTEN))
        for row in begun:
            beat, since = self._seen.get(row["number"], (None, now))
            if beat != row["beat"]:
                since = now
            self._seen[row["number"]] = row["beat"], since
            if row["owner"] == self._owner or now - since > PATIENCE:
                self.give_up(Running(row["number"], 0, now))
                count += 1
        alive = {row["number"] for row in begun}
        self._seen = {number: seen for number, seen in self._seen.items() if number in alive}
        if now - self._trimmed > _TRIM_SECONDS:
            self._trimmed = now
            old = self.state.revision - _KEPT
            done = f"status == {_COMMITTED} and revision < {old}"
            given_up_long_ago = f"status == {_GIVEN_UP} and mark < {old}"
            self._connection.delete(COMMITS, f"({done}) or ({given_up_long_ago})")
        return count

    def is_running(self, number: int) -> bool:
        """Return whether a commit is begun and not done."""
        return any(row["status"] == _BEGUN for row in self._rows(f"number in [{number}]"))

    def _rows(self, expression: str, mark: int | None = None) -> list[Row]:
        rows: list[Row] = []
        for page in self._connection.pages(COMMITS, expression, _FIELDS, size=4096, mark=mark):
            rows += page
        return rows

    def _put(self, number: int, status: int, revision: int, mark: int, kinds: str = "") -> int:
        row = {
            "number": number,
            "status": status,
            "revision": revision,
            "mark": mark,
            "owner": self._owner,
            "beat": time.time_ns(),
            "kinds": kinds,
            "vector": [1.0, 0.0],
        }
        return self._connection.upsert(COMMITS, [row])
