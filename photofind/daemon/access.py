"""Access to the API: for programs that know the token, and browsers that a one-time link admitted.

The server listens on this machine alone, but every web page and every user of the machine can send
requests there. So each request is looked at before anything else happens:

- *Host* must name this server, or a page whose name was made to point here could read answers
  (DNS rebinding).
- *Origin*, if a browser sends it, must be this server, and *Sec-Fetch-Site* must not say that
  another site or another port asks, unless a person follows a link.
- Before it sends the token, a client asks for a proof that this is its daemon (`handshake`).
- Then the token, or the cookie of a session, decides. New links need the token: a cookie cannot be
  turned into another one.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photofind.daemon.answers import JsonResponse, Refused, error_response
from photofind.daemon.connections import LET_IN
from photofind.daemon.doors import Doors
from photofind.daemon.handshake import PROOF, proof
from photofind.daemon.hosts import NUMERIC, is_unique
from photofind.daemon.links import Links, local_path
from photofind.daemon.page_keys import Generation, PageKeys, recall, remember
from photofind.daemon.requests import Body
from photofind.daemon.sessions import Session, Sessions
from photofind.errors import DaemonError, LibraryError, RequestError
from photofind.paths import Home

__all__ = ["SERVER", "Access", "Guard"]

SERVER = "photofind"
"""What answers call the server, by which clients know that it is one."""

_DRAIN_SECONDS = 3.0
_log = logging.getLogger(__name__)

_OPEN = "/open/"
_UPLOADS = "/api/uploads"  # These are limited by how large photos may be.
_INTRODUCTION = "/api/return"
_RETURN = "/return"
_FOR_TOKENS = ("/api/links", "/api/doors")
_AGAIN = "open photofind again from its menu, or with `photofind web`"

_UNKNOWN = Refused(403, RequestError("this page is not known here", _AGAIN))

_HEADERS = {
    "server": SERVER,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer, unless the answer says otherwise itself."""


class Access:
    """The secrets of one server, and what it takes to be answered.

    Parameters
    ----------
    token
        What programs send.
    last, own
        The daemon before this one, whose pages may return, and this one.
    home
        Has the doors, and what is left for the next daemon.
    """

    def __init__(self, token: str, last: Generation, own: Generation, home: Home) -> None:
        port = own.port
        names = {own.host, NUMERIC, "localhost", "[::1]"}
        self.url = f"http://{own.host}:{port}"
        self.cookie = f"photofind-{port}"  # Browsers keep those of all ports of a host together.
        self._doors = Doors(home)
        self._hosts = {f"{name}:{port}" for name in names}
        self._last_host = f"{last.host}:{port}"
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token = token.encode()
        self._proof = partial(proof, token, port)
        self._is_unique = is_unique(own.host)
        self._home = home
        self._links = Links(last.named)
        self._sessions = Sessions()
        self._left = own
        self._page_keys = PageKeys(last, own)

    def refusal(self, scope: Scope) -> Refused | None:
        """Return why a request is refused even with the token; None if it is not."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        returns = scope["path"] == _INTRODUCTION and host == self._last_host
        if host not in self._hosts and not returns:
            return Refused(421, RequestError("this server does not go by that name", _AGAIN))
        elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        origins = headers.getlist("origin")
        if any(o not in self._origins for o in origins) or (elsewhere and not _follows(scope)):
            return Refused(403, RequestError("other sites may not use this server"))
        return None

    def has_token(self, scope: Scope) -> bool:
        """Return whether a request carries the token."""
        kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        said = token.strip().encode("utf-8", "surrogatepass")
        return kind.lower() == "bearer" and hmac.compare_digest(said, self._token)

    def session(self, scope: Scope) -> Session | None:
        """Return the session whose cookie a request carries, if it carries one."""
        lines = Headers(scope=scope).getlist("cookie")
        cookies = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
        return self._sessions.find(value for name, _, value in cookies if name == self.cookie)

    def key_for_page(self, scope: Scope) -> dict[str, str] | None:
        """Return the key by which a page returns to the next daemon; None without a session."""
        session = self.session(scope)
        return None if session is None else self._page_keys.key_for_page(session.begun)

    def prove(self, scope: Scope) -> Response:
        """Return the answer to a client that asks whether this is its daemon."""
        question = QueryParams(scope["query_string"]).get("question", "")
        if not re.fullmatch("[0-9a-f]{32,128}", question):
            error = RequestError("a question is 32 to 128 hexadecimal digits")
            return error_response(error, connection="close")
        return JsonResponse({"proof": self._proof(question)})

    def link(self, path: str) -> str:
        """Return an address that opens a page of this server once, within a minute.

        Raises
        ------
        RequestError
            ``path`` leads to another server.
        """
        return self._address(self._links.make(path))

    def door(self, path: str, snap: str | None) -> Path:
        """Return a file that leads a browser to such an address (`photofind.daemon.doors`).

        Raises
        ------
        RequestError
            ``path`` leads to another server, or there is no such snap.
        LibraryError
            The disk refuses.
        """
        code = self._links.make(path)
        return self._doors.make(code, self._address(code), snap)

    def begin(self) -> None:
        """Clear away what an ended daemon left, and let pages return to the next one."""
        with _warned():
            self._doors.clear()
        with _warned():
            remember(self._home, self._left)

    def end(self) -> None:
        """Leave what the pages that are still open will need."""
        with _warned():
            self._doors.close_all()
        with _warned():
            self._leave(self._left)

    def is_named(self, path: str) -> bool:
        """Return whether a link, made with the token, led to a page that shows ``path``."""
        return self._links.is_named(path)

    def open(self, scope: Scope) -> ASGIApp:
        """Return the answer to a request for such an address: a cookie, and on to the page."""
        code = scope["path"].removeprefix(_OPEN)
        link = self._links.find(code)
        if link is not None and link.is_fresh:
            begun = self._sessions.begin()
            self._links.use(code, begun)
            with _warned():
                self._doors.close(code)
            return self._let_in(begun, link.target)
        session, used_by = self.session(scope), link.session if link else None
        if session is not None and used_by in (None, session):
            return _leading_to("/")  # The page was reloaded, or gone back to.
        error = RequestError("this link is too old, or was never one", _AGAIN)
        if used_by is not None:
            self._withdraw(used_by)
            error = RequestError(
                "this link was used already; the browser that used it is no longer let in",
                f"{_AGAIN}; if it was not you, another program has seen the link",
            )
        return _refusal(scope, Refused(403, error))

    def introduce(self, scope: Scope) -> ASGIApp:
        """Return the answer to a page of the last daemon that asks whether this is the next one."""
        said = QueryParams(scope["query_string"])
        answer = self._page_keys.introduction(said.get("page", ""), said.get("question", ""))
        if answer is None:
            return _refusal(scope, _UNKNOWN)
        return JsonResponse(answer)

    def let_return(self, scope: Scope) -> ASGIApp:
        """Return the answer to such a page that proves itself: a cookie, and on to the page."""
        said = QueryParams(scope["query_string"])
        try:
            target = local_path(said.get("to", "/"))
        except RequestError as error:
            return _refusal(scope, Refused(400, error))
        begun = self._page_keys.proves(*(said.get(n, "") for n in ("page", "question", "proof")))
        if begun is not None:
            return self._let_in(self._sessions.begin(begun), target)
        if self.session(scope) is not None:  # It was reloaded, or gone back to.
            return _leading_to("/")
        return _refusal(scope, _UNKNOWN)

    def _withdraw(self, session: Session) -> None:
        self._sessions.withdraw(session)
        with _warned():
            self._leave(self._page_keys.change())  # That browser may have keys of pages.

    def _leave(self, left: Generation) -> None:
        """Leave this for the next daemon, unless the home was removed or has another one by now."""
        is_own = recall(self._home).key == self._left.key
        self._left = replace(left, named=self._links.named)
        if is_own:
            remember(self._home, self._left)

    def _address(self, code: str) -> str:
        return f"{self.url}{_OPEN}{code}"

    def _let_in(self, session: Session, target: str) -> Response:
        answer = _leading_to(target)
        answer.set_cookie(self.cookie, session.cookie, httponly=True, samesite="strict")
        if not self._is_unique:  # Another server may have been here before.
            answer.headers["clear-site-data"] = '"cache", "storage"'
        return answer


class Guard:
    """Answers for an ASGI application what it must never see, and marks all that it answers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        body = Body(receive, unlimited=scope["path"] == _UPLOADS)
        session = self._access.session(scope)
        ended = False

        async def marked(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                body.is_answered = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                if session is not None and session.is_withdrawn and not ended:
                    ended = True
                    await send({"type": "http.response.body"})
                    raise OSError("the session was withdrawn")  # As if the browser had gone.
                ended = not message.get("more_body", False)
            await send(message)

        try:
            await self._answerer(scope)(scope, body.receive, marked)
        except asyncio.CancelledError:  # The server stops, and has waited for it long enough.
            if not body.is_answered:
                await error_response(DaemonError("the daemon stops"), 503)(scope, receive, marked)
        except Exception:
            if not ended:
                raise

    def _answerer(self, scope: Scope) -> ASGIApp:
        if refusal := self._access.refusal(scope):
            return _refusal(scope, refusal)
        if scope["path"] == PROOF and scope["method"] == "GET":
            return self._access.prove(scope)
        if scope["path"].startswith(_OPEN) and scope["method"] == "GET":
            return self._access.open(scope)
        if scope["path"] == _INTRODUCTION and scope["method"] == "GET":
            return self._access.introduce(scope)
        if scope["path"] == _RETURN and scope["method"] == "GET":
            return self._access.let_return(scope)
        has_session = self._access.session(scope) is not None
        if not self._access.has_token(scope) and (not has_session or scope["path"] in _FOR_TOKENS):
            error = RequestError(
                "this needs the token of the daemon",
                "open photofind from its menu, or with `photofind web`; scripts use"
                " photofind.daemon.client",
            )
            return _refusal(scope, Refused(401, error))
        scope.setdefault("state", {})[LET_IN] = True
        return self._app


def _follows(scope: Scope) -> bool:
    """Return whether a request is that of a person who follows a link to a page."""
    headers = Headers(scope=scope)
    return (
        scope["method"] == "GET"
        and not scope["path"].startswith("/api/")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


@contextmanager
def _warned() -> Iterator[None]:
    """Go on if the disk refuses: a door stays, or pages have to be opened again after a restart."""
    try:
        yield
    except (LibraryError, OSError) as error:
        _log.warning("%s", error)


def _leading_to(target: str) -> Response:
    """Return a page that leads on to another one of this server.

    It is not a redirect: a browser does not send a strict cookie where another site, such as the
    file of a door, has led it.
    """
    there = escape(target)
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>photofind</title>"
        f'<meta http-equiv=refresh content="0; url={there}"><p><a href="{there}">Go on</a></p>'
    )


def _refusal(scope: Scope, refused: Refused) -> ASGIApp:
    """Return what answers a refused request, and ends the connection, which others may need.

    Before the end, what is still being sent is taken in for some seconds: else the system resets
    the connection, and the client may lose the answer.
    """
    response = _refusing(scope, refused)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_drain(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "more_body": True})
                message = {**message, "body": b""}
                with suppress(TimeoutError):
                    async with asyncio.timeout(_DRAIN_SECONDS):
                        while (await receive()).get("more_body"):
                            pass
            await send(message)

        await response(scope, receive, send_and_drain)

    return answer


def _refusing(scope: Scope, refused: Refused) -> Response:
    """Return the answer to a refused request: a page to people, JSON to programs."""
    error = refused.error
    headers = {"connection": "close"}
    if refused.status_code == 401:
        headers["www-authenticate"] = "Bearer"
    if scope["path"].startswith("/api/") or "text/html" not in Headers(scope=scope).get(
        "accept", ""
    ):
        return error_response(error, refused.status_code, **headers)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>photofind</title>"
        f"<h1>photofind</h1><p>{_sentence(error.message)}</p><p>{_sentence(error.hint)}</p>"
    )
    return HTMLResponse(page, refused.status_code, headers)


def _sentence(text: str) -> str:
    return escape(f"{text[:1].upper()}{text[1:]}.")
