"""The bounds of the server: how many connections it has, and how long those of strangers stay."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from served_library import TOKEN, FakeLibrary, Served, serving, wait_for
from strangers import stranger
from waiting import patience

from photofind.daemon import access, connections, handshake
from photofind.daemon.client import Client
from photofind.model import Event
from photofind.paths import Home
from photofind.settings import Settings

MOST = 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FLOOD = """
import socket, sys, time

port, count, sends = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
kept = []
for _ in range(count):
    one = socket.create_connection(("127.0.0.1", port), timeout=60)
    kept.append(one)
    try:
        one.sendall(sends)
    except OSError:
        pass
print("ready")
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients of a full server try for longer, on a machine that may be busy."""
    monkeypatch.setattr(handshake, "_FULL_SECONDS", patience(15))


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    library = FakeLibrary(home)
    library.settings = Settings(max_connections=MOST)
    with serving(home, library) as served:
        yield served


def count(served: Served) -> int:
    return len(served.server._uvicorn.server_state.connections)


def connect(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=patience(30))


def ended(connection: socket.socket) -> bytes:
    """Return what comes over a connection until its end."""
    said = b""
    try:
        while data := connection.recv(65536):
            said += data
    except ConnectionError:
        pass
    return said


@pytest.mark.parametrize("sends", ["", "G", "GET /api/status HTTP/1.1\r\n"])
def test_a_flood_of_a_stranger_keeps_nobody_out(served: Served, sends: str) -> None:
    """Neither who is connected already, nor who comes later."""
    with Client(served.home) as early:
        events = early.events()
        early.status()
        with stranger(FLOOD, served.port, 10 * MOST, sends):
            wait_for(lambda: count(served) == MOST)
            for _ in range(3):
                with Client(served.home) as late:
                    assert late.status().photos == 2
            assert early.status().photos == 2
            served.library.publish(Event("state", {"paused": True}))
            assert next(events) == Event("state", {"paused": True})
            assert count(served) <= MOST


def test_connections_of_a_page_are_never_cut(served: Served) -> None:
    """Not even if they do nothing, and strangers ask for more."""
    with ExitStack() as stack:
        page = []
        for _ in range(6):
            connection = HTTPConnection("127.0.0.1", served.port, timeout=patience(30))
            page.append(stack.enter_context(closing(connection)))
            connection.request("GET", "/api/status", headers=BEARER)
            assert connection.getresponse().read()
        sockets = [one.sock for one in page]
        with stranger(FLOOD, served.port, 3 * MOST, ""):
            wait_for(lambda: count(served) == MOST)
            for one, sock in zip(page, sockets, strict=True):
                one.request("GET", "/api/status", headers=BEARER)
                assert one.getresponse().read()
                assert one.sock is sock, "the connection was ended"


def test_one_too_many_is_told_to_come_back(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(MOST):  # All of them are let in.
            one = HTTPConnection("127.0.0.1", served.port, timeout=patience(30))
            stack.enter_context(closing(one))
            one.request("GET", "/api/status", headers=BEARER)
            assert one.getresponse().read()
        with connect(served) as refused:
            head, _, body = ended(refused).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5" in head.lower()
        assert b"too many connections" in body
        assert count(served) == MOST
    wait_for(lambda: count(served) == 0)
    with Client(served.home) as client:
        assert client.status().photos == 2


def test_a_client_that_comes_at_a_bad_moment_tries_again(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(MOST):
            one = HTTPConnection("127.0.0.1", served.port, timeout=patience(30))
            stack.enter_context(closing(one))
            one.request("GET", "/api/status", headers=BEARER)
            assert one.getresponse().read()
        timer = threading.Timer(0.3, one.close)
        timer.start()
        with Client(served.home) as client:
            assert client.status().photos == 2
        timer.join()


@pytest.mark.parametrize("sends", [b"", b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_a_head_has_to_come_in_time(
    served: Served, sends: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.2)
    with connect(served) as slow:
        slow.sendall(sends)
        assert ended(slow) == b""


def test_the_next_head_has_to_come_in_time_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(30))) as connection:
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            connection.request("GET", "/api/status", headers=BEARER)
            assert connection.getresponse().read()
            monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.1)
            time.sleep(0.3)  # Between requests it may be quiet for longer.
        assert connection.sock is sock
        sock.sendall(b"GET /api/st")
        assert ended(sock) == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [("", 401), ("Origin: http://evil.example\r\n", 403)],
)
def test_who_is_refused_is_disconnected(served: Served, headers: str, status: int) -> None:
    host = f"Host: 127.0.0.1:{served.port}\r\n"
    with connect(served) as connection:
        connection.sendall(f"GET /api/status HTTP/1.1\r\n{host}{headers}\r\n".encode())
        assert ended(connection).startswith(f"HTTP/1.1 {status} ".encode())


def test_who_is_refused_while_sending_sees_why(served: Served) -> None:
    size = 64 << 20
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: {size}"
    with connect(served) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        connection.sendall(bytes(size))
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
def test_curl_sees_why_it_is_refused_while_sending(
    served: Served, tmp_path: Path, expect: str
) -> None:
    picture, answer = tmp_path / "picture.jpg", tmp_path / "answer"
    with picture.open("wb") as file:
        file.truncate(64 << 20)
    options = ["-sS", "-o", answer, "-w", "%{http_code}", "-F", f"file=@{picture}"]
    headers = ["-H", "Authorization: Bearer wrong", "-H", expect]
    done = subprocess.run(
        ["curl", *options, *headers, f"http://127.0.0.1:{served.port}/api/uploads"],
        capture_output=True,
        check=False,
        timeout=patience(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"401", b"")
    assert "token" in answer.read_text("utf-8")


def test_who_is_refused_and_does_not_go_on_is_disconnected(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_DRAIN_SECONDS", 0.1)
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: 9"
    with connect(served) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert ended(connection).startswith(b"HTTP/1.1 401 ")


@pytest.mark.skipif(os.name == "nt", reason="it has no such limit")
def test_the_daemon_may_open_what_the_system_lets_it(tmp_path: Path) -> None:
    import resource
    import subprocess
    import sys

    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 8000)
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))\n"
        "from photofind.system.descriptors import raise_descriptor_limit\n"
        "raise_descriptor_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    # macOS may have a lower bound that it does not tell.
    assert int(told.stdout) == hard or (sys.platform == "darwin" and int(told.stdout) > 256)
