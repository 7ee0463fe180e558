"""How many connections the server has, and how long those stay that were not let in.

Every user of the machine can connect. What they send is refused, but each connection takes a
descriptor, so their number is bounded. A connection over which a request was let in is never closed
to make place for another one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from photofind.daemon.answers import RETRY_SECONDS, as_error, json_bytes
from photofind.errors import DaemonError

__all__ = ["LET_IN", "BoundedProtocol"]

LET_IN = "photofind let in"
"""In the ``state`` of a request's scope: it carried the token, or a cookie."""

_HEAD_SECONDS = 15.0
_GRACE_SECONDS = 1.0
_FULL = json_bytes(
    as_error(DaemonError("the daemon has too many connections", "try again in a few seconds"))
)


class BoundedProtocol(H11Protocol):
    """A connection, one of a bounded number, whose requests have to begin in time.

    Beyond that number, those make place that have not been let in for a second: first those that
    have sent nothing, the oldest first. If there is none, the new one is refused.

    Parameters
    ----------
    most
        How many there may be.
    """

    def __init__(self, *arguments: Any, most: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = most
        self._begun = self.loop.time()
        self._has_sent = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the connection if there is place, or place can be made."""
        super().connection_made(transport)
        if len(self.connections) > self._most and not self._make_place():
            self._refuse()
        else:
            self._time_head()

    def data_received(self, data: bytes) -> None:
        """Take in what was sent."""
        self._has_sent = True
        super().data_received(data)
        self._look_at_head()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look_at_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timing()
        super().connection_lost(exc)

    def _make_place(self) -> bool:
        """Close a connection that was not let in; return False if there is none."""
        late = self.loop.time() - _GRACE_SECONDS
        others = [
            one
            for one in self.connections
            if isinstance(one, BoundedProtocol) and one._begun < late and not one._is_let_in
        ]
        if not others:
            return False
        min(others, key=lambda one: (one._has_sent, one._begun))._close()
        return True

    @property
    def _is_let_in(self) -> bool:
        """Whether the last request was, which may be under way."""
        return self.scope is not None and LET_IN in self.scope["state"]

    def _refuse(self) -> None:
        headers = [
            ("server", "photofind"),
            ("content-type", "application/json"),
            ("content-length", str(len(_FULL))),
            ("retry-after", str(RETRY_SECONDS)),
            ("connection", "close"),
        ]
        for event in (
            h11.Response(status_code=503, headers=headers, reason=b"Service Unavailable"),
            h11.Data(data=_FULL),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self._close()

    def _close(self) -> None:
        self.connections.discard(self)  # Its end is told later, and its place is needed now.
        self.transport.close()

    # How long the head of a request takes.

    def _look_at_head(self) -> None:
        """Time a head that has begun; stop that once it is whole."""
        if self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._stop_timing()
        elif self._head_timer is None:
            self._time_head()

    def _time_head(self) -> None:
        self._head_timer = self.loop.call_later(_HEAD_SECONDS, self._close)

    def _stop_timing(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
