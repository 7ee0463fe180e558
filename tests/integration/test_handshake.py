"""A client knows its daemon: what has the daemon's port or its runtime file may be a stranger."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from commands import environment, photofind
from served_library import TOKEN, Served, serving
from starlette.types import Receive, Scope, Send
from strangers import stranger
from waiting import patience, wait_until

from photofind.daemon import handshake, transport
from photofind.daemon.client import Client, connect, connect_to_running
from photofind.daemon.instance import claim, is_running
from photofind.daemon.lifecycle import Start, reachable, start, stop
from photofind.daemon.runtime import Runtime, read_runtime, write_runtime
from photofind.errors import DaemonError
from photofind.model import Query
from photofind.paths import Home

STRANGER = """
import http.server, json, sys

answer = bytes.fromhex(sys.argv[2]) if sys.argv[2:] else b""
class Handler(http.server.BaseHTTPRequestHandler):
    server_version, sys_version, protocol_version = "photofind", "", "HTTP/1.1"
    def version_string(self):
        return "photofind"
    def log_message(self, *arguments):
        pass
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        print(json.dumps([self.command, self.path, list(self.headers.items()), body.decode()]))
        if answer:
            self.wfile.write(answer)
            self.close_connection = True
            return
        body = b'{"url": "http://127.0.0.1:1/\\\\u001b]0;T\\\\u0007", "proof": "\\\\u001b"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_PUT = do_DELETE = answer
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
print("ready")
server.serve_forever()
"""
"""A server that says yes to everything, and tells what it was asked."""


def known(home: Home) -> Runtime:
    runtime = read_runtime(home)
    assert runtime is not None
    return runtime


@pytest.fixture
def started(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Runtime]:
    """A real daemon, which commands may start again."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PHOTOFIND_NO_DAEMON", "")
    assert start(home, wait_seconds=patience()) is Start.STARTED
    yield known(home)
    stop(home)
    assert not is_running(home)


def kill(home: Home) -> None:
    """End the daemon as the system does."""
    psutil.Process(known(home).pid).kill()
    wait_until(lambda: not is_running(home))


def test_a_stranger_on_the_port_of_a_daemon_that_died_is_no_daemon(
    home: Home, started: Runtime
) -> None:
    kill(home)
    with stranger(STRANGER, started.port) as process:
        assert photofind("daemon", "status").lines[0] == "daemon\tnot running"
        for command in (("status",), ("web", "--link"), ("daemon", "start"), ("folders",)):
            outcome = photofind(*command, env=environment(PHOTOFIND_NO_DAEMON=""))
            said = outcome.stdout + outcome.stderr
            assert outcome.code == 0, said
            assert b"Traceback" not in said
            assert b"\x1b" not in said
            assert b"already" not in said or command == ("daemon", "start")
        assert known(home).port != started.port
        process.kill()
        asked = process.stdout.read() if process.stdout else ""
    assert asked == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"proof": 1}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"[" * 2000,
        b"HTTP/1.1 200 \x1b]0;T\x07\r\n\r\n\xff",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200,
        b"\x1b]0;T\x07\r\n\r\n",
        b"\r\n",
    ],
)
def test_no_stranger_is_sent_the_token(
    home: Home, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be known from the lock that the daemon has ended."""
    monkeypatch.setattr(handshake, "_FULL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    token = "a-secret-of-a-daemon"
    write_runtime(home, Runtime(os.getpid(), 0.0, port, token, "0", 0.0))
    with stranger(STRANGER, port, answer.hex()) as process:
        assert reachable(home) is None
        with pytest.raises(DaemonError) as caught:
            Client(home)
        assert "\x1b" not in str(caught.value)
        process.kill()
        asked = process.stdout.read() if process.stdout else ""
    assert "/api/proof" in asked
    assert token not in asked
    assert "uthorization" not in asked


def test_a_proof_is_for_one_question_one_port_and_one_token(home: Home) -> None:
    with serving(home) as served:

        def proven(question: str) -> str:
            connection = HTTPConnection("127.0.0.1", served.port, timeout=patience(20))
            with closing(connection):
                connection.request("GET", f"{handshake.PROOF}?question={question}")
                answer = connection.getresponse()
                body = answer.read()
                return str(json.loads(body)["proof"]) if answer.status == 200 else ""

        one = proven("0" * 64)
        assert one == handshake.proof(TOKEN, served.port, "0" * 64)
        others = [
            proven("1" * 64),
            handshake.proof(TOKEN, served.port + 1, "0" * 64),
            handshake.proof(TOKEN + "x", served.port, "0" * 64),
        ]
        assert len({one, *others}) == 4
        for question in ("", "0" * 31, "0" * 129, "x" * 64, "0" * 63 + "%0a"):
            assert proven(question) == ""


def test_a_connection_is_not_made_anew_without_a_proof(home: Home) -> None:
    with serving(home):
        connection = handshake.connect(home, known(home))
        connection.close()
        with pytest.raises(OSError, match=r"descriptor|socket"):
            connection.ask("GET", "/api/status")


def test_a_daemon_is_found_that_has_another_process_id_here(home: Home) -> None:
    """As in a container that shares home and network, and not the numbers of processes."""
    claim(home)
    with serving(home) as served:
        for pid in (1, 2**22, 999_999_999):
            write_runtime(home, known(home)._replace(pid=pid, created=1.0))
            assert reachable(home)
            with Client(home) as client:
                assert client.status().photos == 2
            assert start(home) is Start.ALREADY_RUNNING
        assert served.thread.is_alive()


# It is started again.


def test_who_asks_next_starts_a_daemon_again_that_died(home: Home, started: Runtime) -> None:
    client = connect(home)
    assert isinstance(client, Client)
    with client, connect_to_running(home) as other:
        assert client.status().daemon
        for ask in (
            lambda: client.status(),
            lambda: photofind("web", "--link", env=environment(PHOTOFIND_NO_DAEMON="")),
        ):
            before = known(home)
            kill(home)
            with pytest.raises(DaemonError, match="not running"):
                other.status()
            ask()
            after = known(home)
            assert after.pid != before.pid
            assert after.port == before.port, "where the page looks for it"
            assert other.status().daemon, "it follows"
        client.stop()
        wait_until(lambda: not is_running(home))
        with pytest.raises(DaemonError, match="not running"):
            client.status()
    assert not is_running(home)


def test_a_daemon_of_another_version_that_cannot_prove_itself_is_replaced(
    home: Home, started: Runtime
) -> None:
    write_runtime(home, started._replace(token="of an older kind", version="0.0.1", started=0.0))
    with connect(home) as client:
        assert client.status().daemon
    assert known(home).pid != started.pid


# What it answers.

BODIES = {
    "no JSON": b"<html>\x1b]0;T\x07",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "other names": b'{"photos": {}, "url": []}',
    "an odd error": b'{"error": {"type": 1, "message": [], "hint": "\\u001b"}}',
    "deep": b"[" * 100_000,
    "nothing": b"",
}
CALLS: dict[str, Callable[[Client], object]] = {
    "status": lambda client: client.status(),
    "similar": lambda client: client.similar(Query(like=(__file__,))),
    "photos": lambda client: client.photos(),
    "photo": lambda client: client.photo(__file__),
    "folders": lambda client: client.folders(),
    "settings": lambda client: client.settings,
    "link": lambda client: client.link(),
    "upload": lambda client: client.upload(__file__),
    "index": lambda client: client.index(),
    "events": lambda client: list(client.events()),
}


class Odd:
    """Answers everything with the same, once a daemon has proven itself."""

    def __init__(self, served: Served) -> None:
        self.status, self.body, self.missing = 200, b"", 0
        self._app = served.server._uvicorn.config.loaded_app
        served.server._uvicorn.config.loaded_app = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == handshake.PROOF:
            await self._app(scope, receive, send)
            return
        while (await receive()).get("more_body"):  # Or the connection would be reset.
            pass
        headers = [
            (b"server", b"photofind"),
            (b"photofind-problems", b"\xb2x"),
            (b"content-length", str(len(self.body) + self.missing).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture
def odd(home: Home) -> Iterator[Odd]:
    with serving(home) as served:
        wait_until(lambda: served.server._uvicorn.started)
        yield Odd(served)


@pytest.mark.parametrize("status", [200, 422, 500])
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_cannot_be_understood_is_one_line(
    home: Home, odd: Odd, call: str, status: int
) -> None:
    odd.status = status
    told = []
    for body in BODIES.values():
        odd.body = body
        with Client(home) as client:
            try:
                CALLS[call](client)
            except DaemonError as error:
                told.append(str(error))
    assert len(told) >= (1 if status == 200 and call != "events" else 0)
    assert len(told) == len(BODIES) or status == 200
    assert not [one for one in told if not one.isprintable()]


@pytest.mark.parametrize("call", ["status", "upload", "link"])
def test_an_answer_that_is_cut_or_endless_is_one_line(
    home: Home, odd: Odd, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd.body, odd.missing = b"{}", 100
    with Client(home) as client, pytest.raises(DaemonError, match="went away"):
        CALLS[call](client)
    odd.body, odd.missing = b"{" + b" " * 1000, 0
    monkeypatch.setattr(transport, "_LARGEST", 1000)
    with Client(home) as client, pytest.raises(DaemonError, match="cannot be understood"):
        CALLS[call](client)
