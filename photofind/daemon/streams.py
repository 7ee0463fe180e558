"""Answers that are streams: the events of the daemon, and the progress of an indexing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

from photofind.daemon.answers import as_error, json_bytes, unexpected
from photofind.errors import DaemonError, PhotofindError, RequestError
from photofind.model import Event, Progress, Report

__all__ = ["Indexings", "Mailbox", "Mailboxes", "event_stream"]

Indexing = Callable[[Callable[[Progress], None]], Report]

log = logging.getLogger(__name__)

_MOST_NOTICES = 100
_MOST_INDEXINGS = 16
_EVENTS_SECONDS = 30.0
_INDEX_SECONDS = 5.0
_STOPPING = Event("stopping", None)


class Mailbox:
    """Events on their way from any thread to one reader, who may be slow.

    Of every kind but notices only the newest is kept, for each tells the whole state.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._filled = asyncio.Event()

    def post(self, event: Event) -> None:
        """Put an event in; may be called in any thread, and at any time."""
        with suppress(RuntimeError):  # The loop has ended, and the reader with it.
            self._loop.call_soon_threadsafe(self._put, event)

    async def take(self, seconds: float) -> Event | None:
        """Return the next event, or None if none comes in this time."""
        if not self._events:
            self._filled.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), seconds)
        return self._events.popleft() if self._events else None

    def _put(self, event: Event) -> None:
        same = [known for known in self._events if known.kind == event.kind]
        if same and (event.kind != "notice" or len(same) == _MOST_NOTICES):
            self._events.remove(same[0])
        self._events.append(event)
        self._filled.set()


class Mailboxes:
    """The mailboxes of all open streams; each learns that the server stops."""

    def __init__(self) -> None:
        self._open: set[Mailbox] = set()
        self._stopping = False

    @contextmanager
    def open(self) -> Iterator[Mailbox]:
        """Give a mailbox for the length of a block."""
        mailbox = Mailbox()
        if self._stopping:
            mailbox.post(_STOPPING)
        self._open.add(mailbox)
        try:
            yield mailbox
        finally:
            self._open.discard(mailbox)

    def stop(self) -> None:
        """Tell all streams that the server stops; called in its loop."""
        self._stopping = True
        for mailbox in self._open:
            mailbox.post(_STOPPING)


async def event_stream(
    mailboxes: Mailboxes, subscribe: Callable[[Callable[[Event], None]], Callable[[], None]]
) -> AsyncIterator[bytes]:
    """Yield what happens as server-sent events, until the server stops."""
    with mailboxes.open() as mailbox:
        unsubscribe = subscribe(mailbox.post)
        try:
            yield b": events follow\n\n"
            event = None
            while event is None or event.kind != _STOPPING.kind:
                event = await mailbox.take(_EVENTS_SECONDS)
                if event is None:
                    yield b": nothing new\n\n"  # Writing reveals that the reader is gone.
                else:
                    data = json_bytes(event.data)
                    yield b"event: %s\ndata: %s\n\n" % (event.kind.encode(), data)
        finally:
            unsubscribe()


class Indexings:
    """The indexings that clients asked for, each in a thread of its own.

    They go on even if the client goes away.
    """

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_MOST_INDEXINGS)

    async def stream(self, mailboxes: Mailboxes, index: Indexing) -> AsyncIterator[bytes]:
        """Start an indexing; yield its progress, then its report, as lines of JSON.

        A line is empty if there was nothing new for a while.
        """
        if not self._places.acquire(blocking=False):
            yield _line(as_error(RequestError("too many indexings are under way", "wait for them")))
            return
        with mailboxes.open() as mailbox:
            threading.Thread(
                target=self._run, args=(index, mailbox), name="indexing", daemon=True
            ).start()
            while True:
                event = await mailbox.take(_INDEX_SECONDS)
                if event is None:
                    yield b"\n"
                elif event.kind == "progress":
                    yield _line({"progress": event.data})
                elif event.kind == "report":
                    yield _line({"report": event.data})
                    return
                else:
                    stopping = DaemonError("the daemon stops", "what was read is kept")
                    yield _line(as_error(event.data or stopping))
                    return

    def _run(self, index: Indexing, mailbox: Mailbox) -> None:
        try:
            report = index(lambda progress: mailbox.post(Event("progress", progress)))
            mailbox.post(Event("report", report))
        except PhotofindError as error:
            mailbox.post(Event("error", error))
        except Exception:
            log.exception("an indexing failed unexpectedly")
            mailbox.post(Event("error", unexpected()))
        finally:
            self._places.release()


def _line(value: object) -> bytes:
    return json_bytes(value) + b"\n"
