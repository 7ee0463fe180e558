"""How requests are read: their bodies bounded in size and time, their queries byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from photofind.daemon.answers import Refused, too_large
from photofind.errors import RequestError

__all__ = ["ApiRequest", "ApiRoute", "Body"]

_LARGEST = 1 << 20
_PATIENCE = 30.0
_MOST_PARAMETERS = 100


class Body:
    """The body of a request as it comes in, as long as it is not too large and keeps coming.

    Parameters
    ----------
    receive
        Gives the next piece of it.
    unlimited
        Whether its size is not limited here.
    """

    def __init__(self, receive: Receive, *, unlimited: bool = False) -> None:
        self._receive = receive
        self._left = float("inf") if unlimited else _LARGEST
        self._whole = False
        self.is_answered = False
        """Whether the answer has begun, so that nothing else can be answered any more."""

    async def receive(self) -> Message:
        """Return the next message.

        Raises
        ------
        Refused
            It is larger than allowed, or nothing came for too long.
        """
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(_PATIENCE):
                message = await self._receive()
        except TimeoutError:
            if self.is_answered:
                return {"type": "http.disconnect"}
            error = RequestError(f"nothing more of the request came for {_PATIENCE:.0f} s")
            raise Refused(408, error, connection="close") from None
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0 and not self.is_answered:
            raise too_large(_LARGEST)
        return message if self._left >= 0 else {"type": "http.disconnect"}


class ApiRequest(Request):
    """A request whose query may contain any bytes."""

    @property
    def query_params(self) -> QueryParams:
        """The parameters; bytes that are not UTF-8 as :func:`os.fsdecode` decodes them."""
        if not hasattr(self, "_query_params"):
            query = self.scope["query_string"].decode("latin-1")
            try:
                pairs = parse_qsl(
                    query,
                    keep_blank_values=True,
                    errors="surrogateescape",
                    max_num_fields=_MOST_PARAMETERS,
                )
            except ValueError:
                raise Refused(422, RequestError("the query has too many parameters")) from None
            self._query_params = QueryParams(pairs)
        return self._query_params


class ApiRoute(APIRoute):
    """A route whose function gets an `ApiRequest`."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the function that answers a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await handle(ApiRequest(request.scope, request.receive))

        return answer
