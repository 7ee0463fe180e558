"""The main program of a worker process: creates the service, then answers one call at a time.

Started by :mod:`photofind.workers.process`, which exchanges frames with it over its standard input
and output. Nothing heavy is imported here: the service imports what it needs.

Guarantees to the parent:

- Standard output carries only frames, whatever a plugin prints from Python or C.
- The process ends when its parent ends, in any way: the system then closes its input. If code
  holds the interpreter so that no thread can notice, a watchdog that does not need the interpreter
  ends the process once the call is overdue.
"""

from __future__ import annotations

import faulthandler
import importlib
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from photofind import errors
from photofind.system.resources import lacks_resources
from photofind.workers import frames

if TYPE_CHECKING:
    from io import FileIO

__all__ = ["main"]

_GRACE = 2.0  # Seconds for the parent to end an overdue call before the watchdog does.
_LONGEST = 1e8  # Seconds that a timer of the system can run; macOS refuses more.
_MORE_OOM_SCORE, _HIGHEST_OOM_SCORE = 300, 1000  # See proc(5), oom_score_adj.
_LONGEST_TEXT = 500  # Characters of an unknown exception's message that are passed on.


def main() -> None:
    """Serve the parent until it closes the pipe."""
    requests, replies = _private_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent handles Ctrl-C.
    if sys.platform == "linux":
        _die_before_parent()
    os.umask(0o077)  # Files such as numba's compiled code are private to the user.
    faulthandler.enable()
    if sys.platform != "win32":  # Logs where a hung call was ended.
        for number in (signal.SIGTERM, signal.SIGALRM):
            faulthandler.register(number, all_threads=True, chain=True)
    incoming: SimpleQueue[frames.Frame] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, incoming), daemon=True).start()
    _serve(incoming, replies)


def _die_before_parent() -> None:
    """Have the system kill this process before its parent, if memory runs out."""
    own = Path("/proc/self/oom_score_adj")
    with suppress(OSError, ValueError):  # Without /proc the system chooses by size alone.
        own.write_text(str(min(_HIGHEST_OOM_SCORE, int(own.read_text()) + _MORE_OOM_SCORE)))


def _private_pipes() -> tuple[FileIO, FileIO]:
    """Move the pipes off descriptors 0 and 1, so that only frames pass through them."""
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if hasattr(os, "register_at_fork"):
        # A process forked by a plugin must not keep the pipes open after this one ends.
        os.register_at_fork(after_in_child=requests.close)
        os.register_at_fork(after_in_child=replies.close)
    return requests, replies


def _listen(requests: FileIO, incoming: SimpleQueue[frames.Frame]) -> None:
    """Queue incoming frames; end the process when the pipe closes, even during a call."""
    try:
        while True:
            incoming.put(frames.receive(requests))
    except EOFError:
        os._exit(0)
    except Exception:  # noqa: BLE001 - it is logged, and the parent sees the exit
        traceback.print_exc()
        os._exit(1)


def _serve(incoming: SimpleQueue[frames.Frame], replies: FileIO) -> None:
    message, arrays = incoming.get()
    name, service = message["name"], None
    while True:
        call = _Call(replies, message["timeout"])
        try:
            if service is None:
                service = _make(message["service"], message["options"], call.note)
                call.reply(None, [])
            else:
                call.reply(*_run(service, message, arrays, call.note))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - every error is passed to the parent
            call.fail(_encode_error(error, name))
        message, arrays = incoming.get()


class _Call:
    """A running call, which can report progress until it is answered.

    Threads of the service may report progress too, so writing is done under a lock.
    """

    def __init__(self, replies: FileIO, timeout: float) -> None:
        self._replies = replies
        self._patience = timeout + _GRACE
        self._writing = threading.Lock()
        self._answered = False
        self._watched = -math.inf
        self._watch()

    def note(self, value: frames.JSON) -> None:
        """Send ``value`` to the parent, as a sign of progress."""
        frame = frames.encode({"note": value, "spent": time.process_time()})
        with self._writing:
            if self._answered:
                raise RuntimeError("progress was reported after the end of the call")
            self._watch()
            frames.send(self._replies, frame)

    def reply(self, value: frames.JSON, arrays: list[Any]) -> None:
        self._answer(frames.encode({"value": value, "spent": time.process_time()}, arrays))

    def fail(self, description: dict[str, frames.JSON]) -> None:
        self._answer(frames.encode({"error": description}))

    def _answer(self, frame: list[memoryview]) -> None:
        with self._writing:
            self._answered = True
            frames.send(self._replies, frame)
            _let_live()

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._watched > _GRACE / 2:  # Resetting the timer costs more than sending a note.
            self._watched = now
            _end_after(self._patience)


def _end_after(seconds: float) -> None:
    """End the process so much later, even while other code holds the interpreter."""
    if sys.platform == "win32":
        faulthandler.dump_traceback_later(min(seconds, threading.TIMEOUT_MAX), exit=True)
    else:
        # Its signal ends the process. It starts no thread, which would take as long as an answer.
        signal.setitimer(signal.ITIMER_REAL, min(seconds, _LONGEST))


def _let_live() -> None:
    """Forget what `_end_after` was told."""
    if sys.platform == "win32":
        faulthandler.cancel_dump_traceback_later()
    else:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _make(service: str, options: dict[str, Any], note: Callable[[frames.JSON], None]) -> Any:
    module, _, name = service.partition(":")
    kind = getattr(importlib.import_module(module), name)
    if _takes_note(kind):
        options["note"] = note
    return kind(**options)


def _run(
    service: Any, message: dict[str, Any], arrays: list[Any], note: Callable[[frames.JSON], None]
) -> tuple[frames.JSON, list[Any]]:
    name, arguments = message["method"], message["arguments"]
    if _takes_note(getattr(type(service), name)):
        arguments["note"] = note
    result = getattr(service, name)(*arrays, **arguments)
    return result if isinstance(result, tuple) else (result, [])


@cache  # It takes as long as many a call.
def _takes_note(function: Callable[..., Any]) -> bool:
    import inspect

    return "note" in inspect.signature(function).parameters


def _encode_error(error: BaseException, name: str) -> dict[str, frames.JSON]:
    """Return the fields from which :class:`photofind.workers.Worker` raises ``error`` again."""
    if isinstance(error, errors.PhotofindError):
        # A plugin's own subclass is raised as its nearest base class in photofind.errors.
        base = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        fields: dict[str, frames.JSON] = {
            "type": base.__name__,
            "message": error.message,
            "hint": error.hint,
        }
        if isinstance(error, errors.WorkerError | errors.ExtractorError):
            fields["details"] = error.details
        return fields
    kind = errors.WorkerResourceError if lacks_resources(error) else errors.WorkerError
    text = " ".join(str(error).split())[:_LONGEST_TEXT]
    return {
        "type": kind.__name__,
        "message": f"{name} worker: {type(error).__name__}" + (f": {text}" if text else ""),
        "details": "".join(traceback.format_exception(error)),
    }
