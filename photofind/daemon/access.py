"""Access to the API: for programs that know the token, and browsers that a one-time link admitted.

The server listens on this machine alone, but every web page and every user of the machine can send
requests there. So each request is looked at before anything else happens:

- *Host* must name this server, or a page whose name was made to point here could read answers
  (DNS rebinding).
- *Origin*, if a browser sends it, must be this server, and *Sec-Fetch-Site* must not say that
  another site or another port asks, unless a person follows a link.
- Before it sends the token, a client asks for a proof that this is its daemon (`handshake`).
- Then the token, or the cookie, decides. A page that had the cookie of the daemon before this one
  can prove it, and gets this one's.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import secrets
import time
from collections import deque
from functools import partial
from html import escape
from urllib.parse import quote, unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photofind.daemon.answers import JsonResponse, Refused, error_response
from photofind.daemon.connections import LET_IN
from photofind.daemon.handshake import PROOF, proof
from photofind.daemon.page_keys import PageKeys
from photofind.daemon.requests import Body
from photofind.errors import DaemonError, RequestError

__all__ = ["COOKIE", "SERVER", "Access", "Guard"]

COOKIE = "photofind"
SERVER = "photofind"
"""What answers call the server, by which clients know that it is one."""

_OPEN = "/open/"
_UPLOADS = "/api/uploads"  # These are limited by how large photos may be.
_RETURN = "/api/return"
_LINK_SECONDS = 60
_MOST_LINKS = 100
_MOST_NAMED = 1000

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
    port
        Of the server.
    page_keys
        Knows the pages of the daemon before this one.
    """

    def __init__(self, token: str, port: int, page_keys: PageKeys) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token = token.encode()
        self._proof = partial(proof, token, port)
        # Not the token: a browser sends cookies to all ports of a host.
        self._session = secrets.token_urlsafe(32).encode()
        self._links: dict[str, tuple[str, float]] = {}
        self._named: deque[str] = deque(maxlen=_MOST_NAMED)
        self.page_keys = page_keys

    def refusal(self, scope: Scope) -> Refused | None:
        """Return why a request is refused even with the token; None if it is not."""
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            return Refused(
                421, RequestError("this server does not go by that name", f"use {self.url}")
            )
        elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        origins = headers.getlist("origin")
        if any(o not in self._origins for o in origins) or (elsewhere and not _follows(scope)):
            return Refused(403, RequestError("other sites may not use this server"))
        return None

    def admits(self, scope: Scope) -> bool:
        """Return whether a request carries the token, or the cookie."""
        headers = Headers(scope=scope)
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _equal(token.strip(), self._token):
            return True
        cookies = (pair.strip() for line in headers.getlist("cookie") for pair in line.split(";"))
        values = (value for name, _, value in (c.partition("=") for c in cookies) if name == COOKIE)
        return any(_equal(value, self._session) for value in values)

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
        target, now = _local(path), time.monotonic()
        fresh = [item for item in self._links.items() if item[1][1] > now]
        self._links = dict(fresh[1 - _MOST_LINKS :])
        code = secrets.token_urlsafe(32)
        self._links[code] = (target, now + _LINK_SECONDS)
        query = target.partition("?")[2]
        self._named.extend(
            os.fsdecode(unquote_to_bytes(value))
            for name, _, value in (item.partition("=") for item in query.split("&"))
            if name in ("path", "unpath")
        )
        return f"{self.url}{_OPEN}{code}"

    def is_named(self, path: str) -> bool:
        """Return whether a link, made with the token, led to a page that shows ``path``."""
        return path in self._named

    def open(self, scope: Scope) -> Response:
        """Return the answer to a request for such an address: a cookie, and on to the page."""
        target, until = self._links.pop(scope["path"].removeprefix(_OPEN), ("/", 0.0))
        if until > time.monotonic():
            return self._let_in(RedirectResponse(target, 303))
        if self.admits(scope):  # The page was reloaded, or gone back to.
            return RedirectResponse("/", 303)
        error = RequestError(
            "this link was used already, or is too old",
            "open photofind again from its menu, or with `photofind web`",
        )
        return _refusal(scope, Refused(403, error))

    def let_return(self, scope: Scope) -> Response:
        """Return the answer to a page that was let in by the daemon before this one.

        It asks for a question with GET, and answers it with POST.
        """
        if scope["method"] == "GET":
            return JsonResponse({"question": self.page_keys.question()})
        said = QueryParams(scope["query_string"])
        if self.page_keys.proves(*(said.get(name, "") for name in ("page", "question", "proof"))):
            return self._let_in(Response(status_code=204))
        return _refusal(scope, Refused(403, RequestError("this page is not known here")))

    def _let_in(self, answer: Response) -> Response:
        answer.set_cookie(COOKIE, self._session.decode(), httponly=True, samesite="strict")
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
        ended = False

        async def marked(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                body.is_answered = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
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
        if scope["path"] == _RETURN and scope["method"] in ("GET", "POST"):
            return self._access.let_return(scope)
        if not self._access.admits(scope):
            error = RequestError(
                "this needs the token of the daemon",
                "open photofind from its menu, or with `photofind web`; scripts use"
                " photofind.daemon.client",
            )
            return _refusal(scope, Refused(401, error))
        scope.setdefault("state", {})[LET_IN] = True
        return self._app


def _equal(text: str, secret: bytes) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), secret)


def _follows(scope: Scope) -> bool:
    """Return whether a request is that of a person who follows a link to a page."""
    headers = Headers(scope=scope)
    return (
        scope["method"] == "GET"
        and not scope["path"].startswith("/api/")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _local(path: str) -> str:
    """Return a path of this server as it stands in an address."""
    if not path.startswith("/") or path[1:2] in ("/", "\\"):  # Browsers take these for hosts.
        raise RequestError(f"{path!r} is no page of this server", "a page begins with one slash")
    return quote(os.fsencode(path), safe="/?&=%#:@!$'()*+,;~[]")


def _refusal(scope: Scope, refused: Refused) -> Response:
    """Return what is answered to a refused request: a page to people, JSON to programs.

    It ends the connection, which others may need.
    """
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
