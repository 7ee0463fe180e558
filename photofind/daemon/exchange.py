"""A connection of a client to the daemon, over which one request after the other is answered.

h11 reads and writes what is said over it, as in the daemon. http.client would do the same, but it
imports email and ssl, and commands wait for what they import.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO

import h11

__all__ = ["Connection", "Response", "TooLargeError"]

_ADDRESS = "127.0.0.1"
_PIECE = 1 << 16


class TooLargeError(ValueError):
    """An answer, or a line of it, is larger than any that a daemon gives."""


class Response:
    """An answer, of which the head has come.

    Attributes
    ----------
    status
        Of HTTP.
    headers
        By their names in lower case.
    """

    def __init__(self, connection: Connection, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers
        }
        self._connection = connection

    def read(self, most: int) -> bytes:
        """Return the body.

        Raises
        ------
        TooLargeError
            It is larger than ``most`` bytes.
        OSError, h11.RemoteProtocolError
            The connection ended before the body did.
        """
        if int(self.headers.get("content-length", 0)) > most:
            raise TooLargeError
        body = bytearray()
        for piece in self._connection.pieces():
            body += piece
            if len(body) > most:
                raise TooLargeError
        return bytes(body)

    def lines(self, longest: int) -> Iterator[bytes]:
        """Return the lines of the body with their ends, as they come.

        Raises
        ------
        TooLargeError
            One has ``longest`` bytes or more.
        OSError, h11.RemoteProtocolError
            The connection ended before the body did.
        """
        begun = bytearray()
        for piece in self._connection.pieces():
            begun += piece
            if b"\n" in piece:
                *lines, rest = bytes(begun).split(b"\n")
                begun = bytearray(rest)
                for line in lines:
                    if len(line) >= longest:
                        raise TooLargeError
                    yield line + b"\n"
            if len(begun) >= longest:
                raise TooLargeError
        if begun:
            yield bytes(begun)


class Connection:
    """A connection to a port of this machine; a request may be sent once the last is answered.

    Parameters
    ----------
    port
        Where the daemon listens.
    seconds
        How long to wait for it, or for each part of an answer; it can be changed.

    Raises
    ------
    OSError
        Nothing listens there.
    OverflowError
        It is no port.
    """

    def __init__(self, port: int, seconds: float) -> None:
        self._host = f"{_ADDRESS}:{port}"
        self._state = h11.Connection(h11.CLIENT)
        self._socket = socket.socket(socket.AF_INET)
        try:
            self._socket.settimeout(seconds)
            self._socket.connect((_ADDRESS, port))
            # A body follows its head at once.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close it; a thread that still reads from it gets its end."""
        self.shut_down()
        self._socket.close()

    def shut_down(self) -> None:
        """End it; the thread that reads from it wakes up, and closes it."""
        with suppress(OSError):  # It has ended already.
            self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def is_usable(self) -> bool:
        """Whether it is open, and idle; anything that comes on it then is its end."""
        if not self._is_answered:
            return False
        timeout = self._socket.gettimeout()
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            self._socket.settimeout(timeout)
            return True
        except OSError:
            pass
        return False

    @property
    def _is_answered(self) -> bool:
        """Whether the last request was, if there was any, and neither side ends here."""
        states = (self._state.our_state, self._state.their_state)
        return states in ((h11.IDLE, h11.IDLE), (h11.DONE, h11.DONE))

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO = b"",
        seconds: float | None = None,
    ) -> Response:
        """Send a request; return the answer once its head has come.

        Parameters
        ----------
        body
            If it is an open file, the headers say how much of it there is.
        seconds
            How long to wait from now on.

        Raises
        ------
        ConnectionError
            The connection has ended.
        OSError
            The daemon does not answer.
        h11.ProtocolError
            It answers with something else than HTTP.
        """
        if self._state.our_state is h11.DONE:
            self._state.start_next_cycle()
        if seconds is not None:
            self._socket.settimeout(seconds)
        sent = {"Host": self._host, "Accept-Encoding": "identity", **(headers or {})}
        if isinstance(body, bytes) and (body or method not in ("GET", "DELETE")):
            sent["Content-Length"] = str(len(body))
        request = h11.Request(method=method, target=path, headers=list(sent.items()))
        head = self._state.send(request) or b""
        if isinstance(body, bytes):
            data = (self._state.send(h11.Data(data=body)) or b"") if body else b""
            self._socket.sendall(head + data)
        else:
            self._socket.sendall(head)
            while piece := body.read(_PIECE):
                self._socket.sendall(self._state.send(h11.Data(data=piece)) or b"")
        self._state.send(h11.EndOfMessage())
        return Response(self, self._head())

    def pieces(self) -> Iterator[bytes]:
        """Return the parts of an answer's body as they come."""
        while not isinstance(event := self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    def _head(self) -> h11.Response:
        while not isinstance(event := self._event(), h11.Response):
            pass  # It says that it goes on.
        return event

    def _event(self) -> h11.Event:
        while True:
            event = self._state.next_event()
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError
            if event is not h11.NEED_DATA:
                assert not isinstance(event, type)
                return event
            data = self._socket.recv(_PIECE)
            is_begun = self._state.their_state is not h11.SEND_RESPONSE
            if not data and not is_begun and not self._state.trailing_data[0]:
                raise ConnectionResetError  # Not h11's error: it can be asked again.
            self._state.receive_data(data)
