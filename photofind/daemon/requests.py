"""How requests are read: their bodies bounded in size and time, their queries byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from photofind.daemon.models import Refused, too_large
from photofind.errors import RequestError

__all__ = ["ApiRequest", "ApiRoute"]

_LARGEST = 1 << 20
_PATIENCE = 30.0
_MOST_PARAMETERS = 100


class ApiRequest(Request):
    """A request whose body comes within bounds, and whose query may hold any bytes."""

    @property
    def query_params(self) -> QueryParams:
        """What the query says; bytes that are not UTF-8 as :func:`os.fsdecode` shows them."""
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

    async def stream(self) -> AsyncIterator[bytes]:  # type: ignore[override]
        """Yield the body, if it is not too large for anything but a picture."""
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > _LARGEST:
                raise too_large(_LARGEST)
            yield piece

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body, however large, as long as it keeps coming.

        Raises
        ------
        Refused
            Where it does not.
        """
        stream = super().stream()
        try:
            while True:
                async with asyncio.timeout(_PATIENCE):
                    piece = await anext(stream, None)
                if piece is None:
                    return
                yield piece
        except TimeoutError:
            error = RequestError(f"nothing more of the request came for {_PATIENCE:.0f} s")
            raise Refused(408, error, connection="close") from None
        except ClientDisconnect:
            raise Refused(400, RequestError("the request ended too early")) from None


class ApiRoute(APIRoute):
    """A route whose function gets its request so."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await handle(ApiRequest(request.scope, request.receive))

        return answer
