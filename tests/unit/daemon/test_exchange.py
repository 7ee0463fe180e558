"""A client's connection, against servers that answer with what is given."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import h11
import pytest
from waiting import patience

from photofind.daemon.exchange import Connection, TooLargeError


@contextmanager
def answering(*answers: bytes) -> Iterator[Connection]:
    """A connection to a server that answers each request in turn, and then closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(patience())

        def serve() -> None:
            with server.accept()[0] as accepted:
                for answer in answers:
                    asked = b""
                    while not asked.endswith(b"\r\n\r\n"):
                        asked += accepted.recv(1000)
                    accepted.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with closing(Connection(server.getsockname()[1], patience())) as connection:
            yield connection
        thread.join()


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks: bytes) -> bytes:
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts


def test_one_request_after_the_other_is_answered() -> None:
    with answering(
        whole(b"one"), chunked(b"t", b"wo"), b"HTTP/1.1 404 No\r\nA: b\r\n\r\n"
    ) as asked:
        assert asked.is_usable
        assert asked.ask("GET", "/").read(3) == b"one"
        assert asked.is_usable
        assert asked.ask("GET", "/").read(3) == b"two"
        last = asked.ask("GET", "/")
        assert (last.status, last.headers) == (404, {"a": "b"})
        assert not asked.is_usable


def test_what_goes_before_an_answer_is_passed_over() -> None:
    with answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + whole(b"one")) as asked:
        assert asked.ask("GET", "/").read(3) == b"one"


def test_lines_come_whole_wherever_the_pieces_end() -> None:
    with answering(chunked(b"o", b"ne\ntwo\n\nth", b"ree")) as asked:
        assert [*asked.ask("GET", "/").lines(6)] == [b"one\n", b"two\n", b"\n", b"three"]


@pytest.mark.parametrize("answer", [whole(b"four"), chunked(b"fo", b"ur"), chunked(b"four\n")])
def test_no_more_is_read_than_an_answer_can_have(answer: bytes) -> None:
    with answering(answer) as asked, pytest.raises(TooLargeError):
        asked.ask("GET", "/").read(3)
    with answering(answer) as asked, pytest.raises(TooLargeError):
        [*asked.ask("GET", "/").lines(4)]


@pytest.mark.parametrize("answer", [whole(b"four")[:-1], chunked(b"four")[:-5], b"HTTP/1.1 2"])
def test_an_answer_that_is_cut_off_is_none(answer: bytes) -> None:
    with answering(answer) as asked, pytest.raises(h11.RemoteProtocolError):
        asked.ask("GET", "/").read(9)


def test_a_server_that_goes_away_unasked_has_reset_the_connection() -> None:
    with answering(whole(b"one"), b"") as asked:
        asked.ask("GET", "/").read(3)
        with pytest.raises(ConnectionResetError):
            asked.ask("GET", "/")
        assert not asked.is_usable


@pytest.mark.parametrize("header", [b"Connection: close\r\n", b""])
def test_a_connection_that_a_server_closes_is_not_used_again(header: bytes) -> None:
    version = b"1.1" if header else b"1.0"
    head = b"HTTP/" + version + b" 200 OK\r\n" + header + b"Content-Length: 3\r\n\r\none"
    with answering(head) as asked:
        assert asked.ask("GET", "/").read(3) == b"one"
        assert not asked.is_usable
