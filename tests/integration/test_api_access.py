"""Who is let in by the API: nobody without the token, no other site, no other name."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from served_library import TOKEN, Served, serving
from waiting import patience

from photofind.daemon import links
from photofind.daemon.page_keys import Generation, remember
from photofind.model import Event
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
    ("POST", "/api/doors"),
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
        {"Cookie": f"photofind-{served.port}={TOKEN}"},
        {"Cookie": f"photofind-{served.port}="},
        {"Cookie": f"photofind-{served.port}"},
    ):
        answer = ask(served, path, headers, method)
        assert answer.status == 401, headers
        assert answer.getheader("www-authenticate") == "Bearer"
    assert served.library.asked == []


@pytest.mark.parametrize(
    "name",
    ["example.org", "example.org:{port}", "127.0.0.1", "localhost", "127.0.0.1:1", "0.0.0.0:{port}",
     "127.0.0.1.example.org:{port}", "localhost.:{port}",
     "photofind-0123456789abcdef.localhost:{port}", "photofind.localhost:{port}",
     "[::]:{port}", "", "127.0.0.1:{port}@a"],
)  # fmt: skip
def test_other_names_are_refused_with_the_token_too(served: Served, name: str) -> None:
    host = {"Host": name.format(port=served.port)}
    for path in ("/api/status", "/", "/open/code"):
        assert ask(served, path, {**BEARER, **host}).status == 421, path
    assert served.library.asked == []


def test_its_own_names_are_known(served: Served) -> None:
    own = served.server.url.removeprefix("http://").rpartition(":")[0]
    assert re.fullmatch(r"photofind-[0-9a-f]{16}\.localhost", own)
    for name in ("127.0.0.1", "localhost", "LocalHost", "[::1]", own):
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


def led_to(answer: HTTPResponse) -> str:
    """Return where a page leads on to."""
    assert answer.status == 200
    found = re.search('<meta http-equiv=refresh content="0; url=([^"]*)">', answer.text)  # type: ignore[attr-defined]
    assert found
    return unescape(found[1])


def cookie_of(answer: HTTPResponse) -> str:
    return answer.getheader("set-cookie", "").split(";")[0]


def test_a_link_lets_a_browser_in_once(served: Served) -> None:
    path = link(served, "/?like=5&folder=/a%20b'\"")
    opened = ask(served, path, {"Accept": "text/html", "Sec-Fetch-Site": "none"})
    assert led_to(opened) == "/?like=5&folder=/a%20b'%22"
    cookie = opened.getheader("set-cookie", "")
    assert cookie.startswith(f"photofind-{served.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert TOKEN not in cookie
    assert opened.getheader("clear-site-data") is None
    session = cookie_of(opened)
    assert ask(served, "/api/status", {"Cookie": session}).status == 200
    other = f"photofind-{served.port}=c"
    assert ask(served, "/api/status", {"Cookie": f"a=b; {session}; {other}"}).status == 200
    assert ask(served, "/api/status", {"Cookie": session + "x"}).status == 401
    assert ask(served, "/api/status", {"Cookie": session.replace("-", "", 1)}).status == 401
    foreign = {"Cookie": session, "Origin": "http://127.0.0.1:1"}
    assert ask(served, "/api/stop", foreign, "POST").status == 403
    assert led_to(ask(served, path, {"Cookie": session})) == "/"  # Reloaded.
    assert ask(served, "/api/status", {"Cookie": session}).status == 200


def test_a_link_that_is_opened_again_shuts_out_who_used_it(served: Served) -> None:
    """As if another user had read it from somewhere, and had been first."""
    path = link(served, "/")
    stranger, own = (
        {"Cookie": cookie_of(ask(served, one, {}))} for one in (path, link(served, "/"))
    )
    key = json.loads(ask(served, "/api/return/key", stranger).text)  # type: ignore[attr-defined]
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(20))) as connection:
        connection.request("GET", "/api/events", headers=stranger)
        stream = connection.getresponse()
        assert stream.readline()
        # With the cookie of another link, as a person has it who pastes an address.
        again = ask(served, path, {"Accept": "text/html", **own})
        assert again.status == 403
        assert "used already" in again.text  # type: ignore[attr-defined]
        assert "photofind web" in again.text  # type: ignore[attr-defined]
        served.library.publish(Event("notice", "secret"))
        assert b"secret" not in stream.read()
    assert ask(served, "/api/status", stranger).status == 401
    assert ask(served, "/api/status", own).status == 200
    served.server.stop()
    served.thread.join(patience(20))
    with serving(served.home) as following:
        returned, _ = come_back(following, key, served)
        assert returned.status == 403


def test_a_cookie_makes_no_links(served: Served) -> None:
    session = {"Cookie": cookie_of(ask(served, link(served, "/"), {}))}
    headers = {**session, "Content-Type": "application/json"}
    for path in ("/api/links", "/api/doors"):
        assert ask(served, path, headers, "POST", b'{"path": "/"}').status == 401
        assert ask(served, path, {**headers, **BEARER}, "POST", b'{"path": "/"}').status == 200


def test_links_grow_old_and_do_not_pile_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    old = link(served, "/")
    now = time.monotonic()
    monkeypatch.setattr(links, "time", type("", (), {"monotonic": lambda: now + 61}))
    assert ask(served, old, {}).status == 403
    several = [link(served, "/") for _ in range(101)]
    assert ask(served, several[0], {}).status == 403
    assert ask(served, several[1], {}).status == 200


def test_a_link_leads_nowhere_else(served: Served) -> None:
    body = b'{"path": "/\\r\\nSet-Cookie: a=b/\\udcff%2F"}'
    headers = {**BEARER, "Content-Type": "application/json"}
    made = ask(served, "/api/links", headers, "POST", body)
    address = made.text.split('"')[3]  # type: ignore[attr-defined]
    opened = ask(served, address.removeprefix(served.server.url), {})
    assert led_to(opened) == "/%0D%0ASet-Cookie:%20a=b/%FF%2F"
    assert "a=b" not in opened.getheader("set-cookie", "")


def test_a_door_leads_to_the_page_and_is_removed(served: Served) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    made = ask(served, "/api/doors", headers, "POST", b'{"path": "/?like=5"}')
    door = Path(json.loads(made.text)["file"])  # type: ignore[attr-defined]
    assert door.parent == served.home.doors
    address = led_to_from(door)
    assert address.startswith(f"{served.server.url}/open/")
    elsewhere = {
        "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
    }  # fmt: skip
    opened = ask(served, address.removeprefix(served.server.url), elsewhere)
    assert led_to(opened) == "/?like=5"
    assert not door.exists()
    for body in (b'{"path": "//x/"}', b'{"path": "/", "snap": "../x"}', b'{"snap": "none"}'):
        assert ask(served, "/api/doors", headers, "POST", body).status == 422


def led_to_from(door: Path) -> str:
    found = re.search('content="0; url=([^"]*)"', door.read_text("utf-8"))
    assert found
    return unescape(found[1])


def test_where_names_are_not_known_the_origin_is_cleared(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photofind.daemon.server.host_for_pages", lambda: "127.0.0.1")
    with serving(home) as served:
        assert served.server.url == f"http://127.0.0.1:{served.port}"
        opened = ask(served, link(served, "/"), {})
        assert opened.getheader("clear-site-data") == '"cache", "storage"'


def test_both_addresses_of_this_machine_are_its_own(served: Served, home: Home) -> None:
    """A browser may try either for a name below localhost."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener, pytest.raises(OSError, match="in use"):
        socket.create_server(("::1", served.port), family=socket.AF_INET6)
    with closing(HTTPConnection("::1", served.port, timeout=patience(20))) as connection:
        connection.request("GET", "/api/status", headers=BEARER)
        assert connection.getresponse().status == 200


def test_a_port_that_is_half_taken_is_not_used(home: Home) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        port = listener.getsockname()[1]
        remember(home, Generation(port))
        with serving(home) as served:
            assert served.port != port


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


def key_of_page(served: Served) -> dict[str, str]:
    session = {"Cookie": cookie_of(ask(served, link(served, "/"), {}))}
    key: dict[str, str] = json.loads(ask(served, "/api/return/key", session).text)  # type: ignore[attr-defined]
    return key


def come_back(
    following: Served, page: dict[str, str], last: Served, to: str = "/?like=5"
) -> tuple[HTTPResponse, str]:
    """Do what a page of the last server does; return the answer and what was asked for."""

    def signed(message: str) -> str:
        key = bytes.fromhex(page["key"])
        return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()

    old = {"Host": f"{last.server.url.removeprefix('http://').rpartition(':')[0]}:{following.port}"}
    answer = ask(following, f"/api/return?page={page['page']}&question=mine", old)
    assert answer.getheader("set-cookie") is None
    said = json.loads(answer.text)  # type: ignore[attr-defined]
    here = f"{said['question']} {following.port} {said['host']}"
    said["known"] = said["proof"] == signed(f"daemon mine {here}")
    query = {"page": page["page"], "question": said["question"], "to": to}
    path = f"/return?{urlencode({**query, 'proof': signed(f'page {here}')})}"
    elsewhere = {
        "Host": f"{said['host']}:{following.port}", "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
    }  # fmt: skip
    return ask(following, path, elsewhere), path


def test_a_page_of_the_last_daemon_is_let_in_again(served: Served, home: Home) -> None:
    page = key_of_page(served)
    served.server.link("/?path=/pictures/%ff.jpg")
    served.server.stop()
    served.thread.join(patience(20))
    with serving(home) as following:
        assert following.server.url != served.server.url
        returned, path = come_back(following, page, served)
        assert led_to(returned) == "/?like=5"
        session = {"Cookie": cookie_of(returned)}
        assert ask(following, "/api/status", session).status == 200
        assert ask(following, path, {}).status == 403  # Each question is answered once.
        assert led_to(ask(following, path, session)) == "/"  # Reloaded.
        # Pictures that links have named are shown by its pages, too.
        shown = ask(following, "/api/thumbnail?path=/pictures/%ff.jpg", session)
        assert "no picture of this query" not in shown.text  # type: ignore[attr-defined]
        other = ask(following, "/api/thumbnail?path=/pictures/other.jpg", session)
        assert "no picture of this query" in other.text  # type: ignore[attr-defined]
        key = json.loads(ask(following, "/api/return/key", session).text)  # type: ignore[attr-defined]
        # A key has one time and one end, however often its page returned.
        assert key["page"].split("-")[0] == page["page"].split("-")[0]


def test_a_page_is_not_let_in_by_a_later_daemon(served: Served, home: Home) -> None:
    page = key_of_page(served)
    served.server.stop()
    served.thread.join(patience(20))
    with serving(home) as following:
        pass
    with serving(home) as later:
        returned, _ = come_back(later, page, following)
        assert returned.status == 403
        assert returned.getheader("set-cookie") is None


def test_the_last_name_is_good_for_nothing_else(served: Served, home: Home) -> None:
    served.server.stop()
    served.thread.join(patience(20))
    with serving(home) as following:
        name = served.server.url.removeprefix("http://").rpartition(":")[0]
        old = {"Host": f"{name}:{following.port}"}
        for path in ("/", "/api/status", "/api/return/key", "/return", "/open/code"):
            assert ask(following, path, {**BEARER, **old}).status == 421, path


def test_nobody_else_is_let_in_that_way(served: Served) -> None:
    for headers in ({}, BEARER):
        assert ask(served, "/api/return/key", headers).status in (401, 403)
    for query in ("", "?", "?page=&question=&proof=", f"?page=1-{'0' * 32}&proof={'0' * 64}"):
        answer = ask(served, f"/return{query}", {})
        assert answer.status == 403
        assert answer.getheader("set-cookie") is None
        assert ask(served, f"/api/return{query}", {}).status == 403
    assert ask(served, "/return?to=//example.org/", {}).status == 400
    for path in ("/return", "/api/return"):
        assert ask(served, path, {"Host": "elsewhere.example"}).status == 421
        assert ask(served, path, {"Origin": "http://elsewhere.example"}).status == 403
        assert ask(served, path, {}, "POST").status == 401
