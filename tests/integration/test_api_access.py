"""Who is let in by the API: nobody without the token, no other site, no other name."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from served_library import TOKEN, Served, serving
from waiting import patience

from photofind.daemon import access
from photofind.paths import Home

PATHS = (
    ("GET", "/api/status"),
    ("GET", "/api/events"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/photos/1/file"),
    ("GET", "/api/nonsense"),
    ("GET", "/"),
    ("GET", "/static/style.css"),
    ("GET", "/docs"),
    ("POST", "/api/similar"),
    ("POST", "/api/uploads"),
    ("POST", "/api/stop"),
    ("POST", "/api/links"),
    ("PUT", "/api/settings/hits"),
    ("DELETE", "/api/settings/hits"),
    ("OPTIONS", "/api/status"),
    ("HEAD", "/open/code"),
    ("POST", "/open/code"),
    ("NONSENSE", "/api/status"),
)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    with serving(home) as served:
        yield served


def ask(
    served: Served, path: str, headers: dict[str, str], method: str = "GET", body: Any = None
) -> HTTPResponse:
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(20))) as connection:
        connection.putrequest(method, path, skip_host="Host" in headers)
        if body is not None:
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.text = answer.read().decode() if path != "/api/events" else ""  # type: ignore[attr-defined]
        return answer


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nothing_is_answered_without_the_token(served: Served, method: str, path: str) -> None:
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \xff\xfe"},
        {"Cookie": f"photofind={TOKEN}"},
        {"Cookie": "photofind="},
        {"Cookie": "photofind"},
    ):
        answer = ask(served, path, headers, method)
        assert answer.status == 401, headers
        assert answer.getheader("www-authenticate") == "Bearer"
    assert served.library.asked == []


@pytest.mark.parametrize(
    "name",
    ["example.org", "example.org:{port}", "127.0.0.1", "localhost", "127.0.0.1:1", "0.0.0.0:{port}",
     "127.0.0.1.example.org:{port}", "localhost.:{port}", "[::]:{port}", "", "127.0.0.1:{port}@a"],
)  # fmt: skip
def test_other_names_are_refused_with_the_token_too(served: Served, name: str) -> None:
    host = {"Host": name.format(port=served.port)}
    for path in ("/api/status", "/", "/open/code"):
        assert ask(served, path, {**BEARER, **host}).status == 421, path
    assert served.library.asked == []


def test_its_own_names_are_known(served: Served) -> None:
    for name in ("127.0.0.1", "localhost", "LocalHost", "[::1]"):
        headers = {**BEARER, "Host": f"{name}:{served.port}"}
        assert ask(served, "/api/status", headers).status == 200


def test_other_sites_are_refused(served: Served) -> None:
    for headers in (
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"https://127.0.0.1:{served.port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": f"http://127.0.0.1:{served.port}.example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
    ):
        for method, path in PATHS:
            if path.startswith("/api"):
                assert ask(served, path, {**BEARER, **headers}, method).status == 403, headers
    assert served.library.asked == []
    own = {"Origin": f"http://127.0.0.1:{served.port}", "Sec-Fetch-Site": "same-origin"}
    answer = ask(served, "/api/status", {**BEARER, **own})
    assert answer.status == 200
    assert not [
        name for name, _ in answer.getheaders() if name.lower().startswith("access-control")
    ]


def test_every_answer_is_marked(served: Served) -> None:
    for path, headers in (
        ("/api/status", BEARER),
        ("/api/status", {}),
        ("/api/nonsense", BEARER),
        ("/open/code", {}),
        ("/api/status", {"Host": "example.org"}),
    ):
        answer = ask(served, path, headers)
        assert answer.getheader("server") == "photofind"
        assert answer.getheader("x-content-type-options") == "nosniff"
        assert answer.getheader("referrer-policy") == "no-referrer"
        assert answer.getheader("x-frame-options") == "DENY"
        assert answer.getheader("cache-control") == "no-store"
        assert answer.getheader("content-security-policy", "").startswith("default-src 'none'")


def link(served: Served, path: str) -> str:
    return served.server.link(path).removeprefix(served.server.url)


def test_a_link_lets_a_browser_in_once(served: Served) -> None:
    path = link(served, "/?like=5&folder=/a%20b")
    opened = ask(served, path, {"Accept": "text/html", "Sec-Fetch-Site": "none"})
    assert opened.status == 303
    assert opened.getheader("location") == "/?like=5&folder=/a%20b"
    cookie = opened.getheader("set-cookie", "")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert TOKEN not in cookie
    session = cookie.split(";")[0]
    assert ask(served, "/api/status", {"Cookie": session}).status == 200
    assert ask(served, "/api/status", {"Cookie": f"a=b; {session}; photofind=c"}).status == 200
    assert ask(served, "/api/status", {"Cookie": session + "x"}).status == 401
    foreign = {"Cookie": session, "Origin": "http://127.0.0.1:1"}
    assert ask(served, "/api/stop", foreign, "POST").status == 403
    again = ask(served, path, {"Accept": "text/html"})
    assert again.status == 403
    assert "<h1>photofind</h1>" in again.text  # type: ignore[attr-defined]
    back = ask(served, path, {"Cookie": session})
    assert (back.status, back.getheader("location")) == (303, "/")


def test_links_grow_old_and_do_not_pile_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    old = link(served, "/")
    now = time.monotonic()
    monkeypatch.setattr(access, "time", type("", (), {"monotonic": lambda: now + 61}))
    assert ask(served, old, {}).status == 403
    links = [link(served, "/") for _ in range(101)]
    assert ask(served, links[0], {}).status == 403
    assert ask(served, links[1], {}).status == 303


def test_a_link_leads_nowhere_else(served: Served) -> None:
    body = b'{"path": "/\\r\\nSet-Cookie: a=b/\\udcff%2F"}'
    headers = {**BEARER, "Content-Type": "application/json"}
    made = ask(served, "/api/links", headers, "POST", body)
    address = made.text.split('"')[3]  # type: ignore[attr-defined]
    opened = ask(served, address.removeprefix(served.server.url), {})
    assert opened.getheader("location") == "/%0D%0ASet-Cookie:%20a=b/%FF%2F"
    assert "a=b" not in opened.getheader("set-cookie", "")


def test_people_read_a_page_and_programs_json(served: Served) -> None:
    page = ask(served, "/photos", {"Accept": "text/html,*/*"})
    assert page.getheader("content-type", "").startswith("text/html")
    assert "photofind web" in page.text  # type: ignore[attr-defined]
    for path, accept in (("/api/status", "text/html"), ("/photos", "*/*")):
        answer = ask(served, path, {"Accept": accept})
        assert answer.getheader("content-type") == "application/json"


def test_who_is_not_let_in_costs_nothing(served: Served) -> None:
    """Bodies of those who are refused are neither kept nor parsed."""
    answer = ask(served, "/api/uploads", {"Content-Length": "5000000"}, "POST")
    assert (answer.status, answer.getheader("connection")) == (401, "close")
    assert not (served.home.cache / "uploads").exists()


def test_a_page_of_the_last_daemon_is_let_in_again(served: Served, home: Home) -> None:
    page = json.loads(ask(served, "/api/return/key", BEARER).text)
    with serving(home) as following:
        answer = ask(following, "/api/return", {})
        question = json.loads(answer.text)["question"]
        assert answer.getheader("set-cookie") is None

        def prove(port: int) -> HTTPResponse:
            said = f"{question} {port}".encode()
            proof = hmac.new(bytes.fromhex(page["key"]), said, hashlib.sha256).hexdigest()
            query = f"page={page['page']}&question={question}&proof={proof}"
            return ask(following, f"/api/return?{query}", {}, "POST")

        answer = prove(following.port)
        assert answer.status == 204
        cookie = (answer.getheader("set-cookie") or "").split(";")[0]
        assert ask(following, "/api/status", {"Cookie": cookie}).status == 200
        assert prove(following.port).status == 403  # Each question is answered once.
        assert ask(served, "/api/status", {"Cookie": cookie}).status == 401


def test_nobody_else_is_let_in_that_way(served: Served) -> None:
    assert ask(served, "/api/return/key", {}).status == 401
    for query in ("", "?", "?page=&question=&proof=", f"?page={'0' * 32}&proof={'0' * 64}"):
        answer = ask(served, f"/api/return{query}", {}, "POST")
        assert answer.status == 403
        assert answer.getheader("set-cookie") is None
    for method in ("GET", "POST"):
        assert ask(served, "/api/return", {"Host": "elsewhere.example"}, method).status == 421
        elsewhere = {"Origin": "http://elsewhere.example"}
        assert ask(served, "/api/return", elsewhere, method).status == 403
