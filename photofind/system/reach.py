"""Touches of files that may never return: each is given up at a deadline, for each folder apart.

A dead network mount or a drive that sleeps can block a thread for ever, and nothing can end such a
thread. So files of the user are touched in threads of their own, which are abandoned when they are
overdue. From then on the folder does not answer: touches of it fail at once, and what was overdue
is tried again with growing pauses until it returns.

A file that cannot be read to its end may be the only one: as long as few of a folder are like that,
and the folder can be listed, they alone do not answer.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from photofind.errors import FileNotAnsweringError, NotAnsweringError
from photofind.paths import is_below
from photofind.system.touches import Beat, Threads, Touch, Work

__all__ = ["DOES_NOT_ANSWER", "PATIENCE", "Beat", "Reach", "probe", "read_through"]

Result = TypeVar("Result")

DOES_NOT_ANSWER = "it does not answer"
"""The reason that a folder has in the status."""

PATIENCE = 5.0
"""Seconds without a sign of progress after which a touch is given up."""

ACTION_SECONDS = 30.0
"""The same where files are moved or programs are started."""

# Pauses between two trials of a folder, in seconds: the first, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0
# So many threads are abandoned to a folder; then one of them has to return before the next trial.
_MOST_ABANDONED = 64
# So many files of a folder may hang; if one more does, it is the folder that does not answer.
_MOST_HANGING = 3
# The longest wait that counts as one: a process that was stopped was not waiting.
_SLICE = 0.5
_PIECE = 1 << 20

_logger = logging.getLogger(__name__)


@dataclass
class _Hanging:
    """A file that does not answer: its touch, how often it was given up in a row, and until when.

    It is left alone until then, on the monotonic clock.
    """

    touch: Touch
    times: int
    until: float


@dataclass
class _Place:
    """A folder that is touched.

    Parameters
    ----------
    running
        The touches that are waited for.
    abandoned
        Those that were given up and have not returned.
    overdue
        The one that was given up last, which is tried again; None where the folder answers.
    hanging
        The files that do not answer while the folder does, by their paths.
    times, last, retry
        How often touches were given up in a row, when the last one was, and when the next trial is
        due, on the monotonic clock.
    """

    running: set[Touch] = field(default_factory=set)
    abandoned: set[Touch] = field(default_factory=set)
    overdue: Touch | None = None
    hanging: dict[str, _Hanging] = field(default_factory=dict)
    times: int = 0
    last: float = 0.0
    retry: float = 0.0


class Reach:
    """Touches files of the user, and knows which folders do not answer.

    Any thread may call any method.

    Parameters
    ----------
    folders
        Returns the paths of the added folders. A path in none of them counts to the folder that
        holds it.
    patience
        Seconds without a sign of progress after which a touch is given up.
    first_pause
        Seconds until a folder is tried again; each pause is twice the one before.
    action_seconds
        The patience with what changes something.
    """

    def __init__(
        self,
        folders: Callable[[], Iterable[str]] = lambda: (),
        *,
        patience: float = PATIENCE,
        first_pause: float = _FIRST_PAUSE,
        action_seconds: float = ACTION_SECONDS,
    ) -> None:
        self._action_seconds = action_seconds
        self._folders = folders
        self._patience = patience
        self._first_pause = first_pause
        self._changed = threading.Condition()  # Held to look at, and to change, what follows.
        self._places: dict[str, _Place] = {}
        self._listener: Callable[[str], None] = lambda folder: None
        self._trying = False
        self._closed = False
        self._threads = Threads()
        self._reals: dict[str, str] = {}

    def tell(self, listener: Callable[[str], None]) -> None:
        """Have ``listener`` called with each folder that ceases to answer or answers again.

        It is also called with each file that answers again after it alone did not.
        """
        self._listener = listener

    def answers(self, folder: str) -> bool:
        """Return whether a folder answers, as far as is known."""
        place = self._places.get(folder)
        return place is None or place.overdue is None

    @property
    def silent(self) -> list[str]:
        """The added folders that do not answer."""
        return [folder for folder in self._folders() if not self.answers(folder)]

    def folder_of(self, path: str) -> str:
        """Return the added folder that a path counts to, or else the folder that holds it."""
        holders = [folder for folder in self._folders() if is_below(path, folder)]
        return max(holders, key=len, default=os.path.dirname(path))  # noqa: PTH120

    def check(self, path: str) -> None:
        """Raise if a file or its folder is known not to answer; nothing is touched.

        Raises
        ------
        FileNotAnsweringError
            The file does not.
        NotAnsweringError
            The folder does not.
        """
        if self._trying or any(place.hanging for place in [*self._places.values()]):
            folder = self.folder_of(path)
            if not self.answers(folder):
                raise _not_answering(folder)
            place = self._places.get(folder)
            if place is not None and _is_left_alone(place, path):
                raise _file_not_answering(folder, path)

    def call(self, path: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that touches what is at a path, and return what it returns.

        Raises
        ------
        NotAnsweringError
            The folder does not answer.
        """
        return self.follow(path, lambda beat: function(*arguments))

    def follow(
        self, path: str, work: Callable[[Beat], Result], again: Work | None = None
    ) -> Result:
        """Do longer work on what is at a path; ``work`` calls its argument as it gets on.

        It must change nothing but what it returns: after it was given up it may still go on until
        that call, and it may be done again, or ``again`` instead of it.

        Raises
        ------
        NotAnsweringError
            The folder does not answer.
        """
        result: Result = self._wait_for(path, Touch(work, again or work, self._patience))
        return result

    def read(self, path: str, work: Callable[[Beat], Result]) -> Result:
        """Do work, as `follow` does, on the content of a file, which alone may not answer.

        Raises
        ------
        FileNotAnsweringError
            The file does not answer.
        NotAnsweringError
            The folder does not answer.
        """
        result: Result = self._wait_for(path, Touch(work, work, self._patience), is_read=True)
        return result

    def act(self, path: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that changes something, which is therefore never done twice.

        Where it is given up, it may have been done all the same.

        Raises
        ------
        NotAnsweringError
            The folder does not answer.
        """
        touch = Touch(
            lambda beat: function(*arguments), lambda beat: os.lstat(path), self._action_seconds
        )
        result: Result = self._wait_for(path, touch)
        return result

    def _wait_for(self, path: str, touch: Touch, *, is_read: bool = False) -> Any:
        folder = self.folder_of(path)
        if is_read:
            self.check(path)
        place = self._begin(folder, touch)
        while not self._waited(touch):
            if touch.silent >= touch.patience:
                if is_read and self._leave_alone(folder, place, path, touch):
                    raise _file_not_answering(folder, path)
                self._give_up(folder, place, touch)
        if touch.given_up:
            raise _not_answering(folder)
        if touch.error is not None:
            raise touch.error
        return touch.result

    def real_path(self, path: str) -> str:
        """Return a path without links, as it was last known where its folder does not answer."""
        try:
            real: str = self.call(path, os.path.realpath, path)
        except NotAnsweringError:
            return self._reals.get(path, path)
        self._reals[path] = real
        return real

    @property
    def is_closed(self) -> bool:
        """Whether touches fail because nothing is to be touched any more."""
        return self._closed

    def close(self) -> None:
        """Give up everything that is waited for; touches fail from now on."""
        with self._changed:
            self._closed = True
            for place in self._places.values():
                for touch in place.running:
                    touch.given_up = True
                    touch.done.set()
            self._changed.notify_all()

    def _begin(self, folder: str, touch: Touch) -> _Place:
        """Start a touch, unless its folder does not answer."""
        with self._changed:
            place = self._places.setdefault(folder, _Place())
            if self._closed or place.overdue is not None:
                raise _not_answering(folder)
            place.running.add(touch)
        self._run(folder, place, touch)
        return place

    def _run(self, folder: str, place: _Place, touch: Touch) -> None:
        def run() -> None:
            touch.run()
            self._returned(folder, place, touch)

        try:
            self._threads.run(run)
        except BaseException:
            self._returned(folder, place, touch)
            raise

    def _waited(self, touch: Touch) -> bool:
        """Wait for a touch for a moment; return whether it is over."""
        seconds = min(_SLICE, max(0.0, touch.patience - touch.silent))
        signs = touch.signs
        is_over = touch.done.wait(seconds)
        touch.silent = touch.silent + seconds if touch.signs == signs else 0.0
        return is_over

    def _leave_alone(self, folder: str, place: _Place, path: str, touch: Touch) -> bool:
        """Find out whether a file alone does not answer, and note that it does not.

        Raises
        ------
        NotAnsweringError
            It is the folder that does not answer.
        """
        with self._changed:
            if touch.done.is_set() or len(place.hanging.keys() - {path}) >= _MOST_HANGING:
                return False
        try:
            self.call(path, probe, os.path.dirname(path))  # noqa: PTH120 (it may not be UTF-8)
        except NotAnsweringError:
            with self._changed:
                touch.given_up = True
                place.running.discard(touch)
                if not touch.done.is_set():
                    place.abandoned.add(touch)
            raise
        with self._changed:
            if touch.done.is_set():
                return False
            touch.given_up = True
            before = place.hanging.get(path)
            times = before.times if before else 0
            pause = min(_LONGEST_PAUSE, self._first_pause * 2.0**times)
            place.hanging[path] = _Hanging(touch, times + 1, time.monotonic() + pause)
            place.running.discard(touch)
            touch.done.set()
        _logger.warning("%s does not answer", path)
        return True

    def _give_up(self, folder: str, place: _Place, touch: Touch) -> None:
        with self._changed:
            if touch.done.is_set():  # It returned at the last moment.
                return
            touch.given_up = True
            place.running.discard(touch)
            place.abandoned.add(touch)
            touch.done.set()
            is_news = place.overdue is None
            place.overdue = touch
            if is_news:
                now = time.monotonic()
                if now - place.last > 2 * _LONGEST_PAUSE:
                    place.times = 0
                self._schedule(place, now)
            if not self._trying:
                self._trying = True
                threading.Thread(target=self._try_again, name="reach", daemon=True).start()
            self._changed.notify_all()
        if is_news:
            _logger.warning("%s does not answer", folder)
            self._listener(folder)

    def _returned(self, folder: str, place: _Place, touch: Touch) -> None:
        """Take note that the thread of a touch is free again."""
        with self._changed:
            place.running.discard(touch)
            place.abandoned.discard(touch)
            is_back = place.overdue is not None and (touch is place.overdue or not place.abandoned)
            if is_back:
                place.overdue = None
            hung = [path for path, one in place.hanging.items() if one.touch is touch]
            for path in hung:
                del place.hanging[path]
            if not (place.running or place.abandoned or place.hanging or place.times):
                self._places.pop(folder, None)
            touch.done.set()
            self._changed.notify_all()
        for back in [folder] * is_back + hung:
            if not self._closed:
                _logger.info("%s answers again", back)
                self._listener(back)

    def _schedule(self, place: _Place, now: float) -> None:
        place.last = now
        place.retry = now + min(_LONGEST_PAUSE, self._first_pause * 2.0**place.times)
        place.times += 1

    def _try_again(self) -> None:
        """Do again what was overdue, until every folder answers."""
        while True:
            due: list[tuple[str, _Place, Touch]] = []
            with self._changed:
                silent = {k: p for k, p in self._places.items() if p.overdue is not None}
                if self._closed or not silent:
                    self._trying = False
                    return
                now = time.monotonic()
                for folder, place in silent.items():
                    if place.retry <= now:
                        self._schedule(place, now)
                        if place.overdue is not None and len(place.abandoned) < _MOST_ABANDONED:
                            again = place.overdue.again
                            trial = place.overdue = Touch(again, again, self._patience)
                            place.abandoned.add(trial)
                            due.append((folder, place, trial))
            for folder, place, trial in due:
                self._run(folder, place, trial)
            with self._changed:
                wait = min((place.retry for place in silent.values()), default=0.0)
                self._changed.wait(max(0.0, wait - time.monotonic()))


def read_through(path: str, beat: Beat) -> None:
    """Read a regular file to its end, to find out whether that is possible.

    Raises
    ------
    OSError
        The file system answers, with an error.
    """
    if stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (the path may not be UTF-8)
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            while file.read(_PIECE):
                beat()


def probe(folder: str) -> None:
    """Find out whether a folder can be listed; that it cannot be for another reason is no matter.

    The system may remember that it is there; so it is opened, and read from the beginning.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        next(entries, None)


def _is_left_alone(place: _Place, path: str) -> bool:
    hanging = place.hanging.get(path)
    return hanging is not None and time.monotonic() < hanging.until


_HINT = "look after its drive or its connection; photofind tries again by itself"


def _file_not_answering(folder: str, path: str) -> FileNotAnsweringError:
    return FileNotAnsweringError(f"{path} does not answer", _HINT, folder, path)


def _not_answering(folder: str) -> NotAnsweringError:
    return NotAnsweringError(f"{folder} does not answer", _HINT, folder)
