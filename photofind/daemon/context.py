"""What the routes of the API work with, and how they have work done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from starlette.responses import Response

from photofind.daemon.access import Access
from photofind.daemon.models import JsonResponse, json_bytes
from photofind.daemon.streams import Indexings, Mailboxes
from photofind.daemon.surface import Served
from photofind.daemon.uploads import Uploads

__all__ = ["PROBLEMS", "ApiContext", "Context"]

_Arguments = ParamSpec("_Arguments")
_Value = TypeVar("_Value")

PROBLEMS = "photofind-problems"
"""The header that says how many problems of the library an answer knows of."""


class ApiContext:
    """Hands the work of requests to threads, a few at a time, so that nobody waits for a crowd.

    Parameters
    ----------
    surface
        Answers.
    uploads, access
        Of this server.
    stop
        Stops it.
    """

    def __init__(
        self, surface: Served, uploads: Uploads, access: Access, stop: Callable[[], None]
    ) -> None:
        self.surface = surface
        self.uploads = uploads
        self.access = access
        self.stop = stop
        self.mailboxes = Mailboxes()
        self.indexings = Indexings()
        # Each kind of work has places of its own: photos that are being decoded hold up no
        # search, and a search that waits for a cold worker holds up no status.
        self.searches = CapacityLimiter(4)
        self.pictures = CapacityLimiter(4)
        self._others = CapacityLimiter(8)

    async def run(
        self,
        work: Callable[_Arguments, _Value],
        *arguments: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> _Value:
        """Return what ``work`` returns, called in a thread."""
        return await self.run_among(self._others, partial(work, *arguments, **options))

    async def run_among(self, places: CapacityLimiter, work: Callable[[], _Value]) -> _Value:
        """Do the same with the places of one kind of work."""
        # Abandoned where the server is stopped: what it waits for ends after that.
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=places)

    async def answer(
        self, work: Callable[[], object], places: CapacityLimiter | None = None
    ) -> Response:
        """Return as JSON what ``work`` returns."""

        def encoded() -> tuple[bytes, int]:
            return json_bytes(work()), len(self.surface.problems)

        body, problems = await self.run_among(places or self._others, encoded)
        return JsonResponse(body, headers={PROBLEMS: str(problems)} if problems else None)


async def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
