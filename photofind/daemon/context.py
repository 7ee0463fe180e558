"""What the routes of the API work with, and how they have work done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, ParamSpec, Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from starlette.responses import Response

from photofind.daemon import upload_queries
from photofind.daemon.access import Access
from photofind.daemon.answers import JsonResponse, json_bytes
from photofind.daemon.streams import Indexings, Mailboxes
from photofind.daemon.uploads import Uploads
from photofind.declaration import GENERAL, LANES, LEARNING, PICTURES, SEARCHES, VERY_LARGE
from photofind.errors import PhotofindError, VeryLargeError
from photofind.model import Event
from photofind.operations import Operations
from photofind.system.reach import Reach
from photofind.system.resources import lacks_resources

__all__ = ["PROBLEMS", "ApiContext", "Context", "Served"]

_Arguments = ParamSpec("_Arguments")
_Value = TypeVar("_Value")

PROBLEMS = "photofind-problems"
"""The header with the number of known problems of the library."""

_PLACES = {GENERAL: 8, SEARCHES: 4, PICTURES: 4, VERY_LARGE: 1, LEARNING: 1}


class Served(Operations, Protocol):
    """What the API serves: the operations, and the events as they happen."""

    @property
    def reach(self) -> Reach:
        """What touches the files of photos."""
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``listener`` called with every event, in any thread; return what ends that."""
        ...


class ApiContext:
    """Hands the work of requests to threads, a few at a time in each lane.

    Parameters
    ----------
    operations
        Carries them out.
    uploads, access
        Of this server.
    stop
        Stops it.
    """

    def __init__(
        self, operations: Served, uploads: Uploads, access: Access, stop: Callable[[], None]
    ) -> None:
        self.operations = operations
        self.uploads = uploads
        self.access = access
        self.stop = stop
        self.mailboxes = Mailboxes()
        self.indexings = Indexings()
        self._lanes = {lane: CapacityLimiter(_PLACES[lane]) for lane in LANES}

    def carry_out(self, operation: str) -> Callable[..., Any]:
        """Return what carries out an operation, given its name."""
        method: Callable[..., Any] = getattr(self.operations, operation)
        if operation in ("similar", "judge"):
            return partial(upload_queries.answered, method, self.uploads)
        if operation == "explain":
            return partial(upload_queries.explain, method, self.uploads)
        if operation == "known":
            return partial(upload_queries.known, method, self.uploads)
        return method

    async def run(
        self,
        work: Callable[_Arguments, _Value],
        *arguments: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> _Value:
        """Return what ``work`` returns, called in a thread of the general lane."""
        return await self.run_in(GENERAL, partial(work, *arguments, **options))

    async def run_in(self, lane: str, work: Callable[[], _Value]) -> _Value:
        """Return what ``work`` returns, called in a thread of a lane.

        Raises
        ------
        PhotofindError
            There is no thread or no memory to be had for it.
        """
        try:
            # Abandoned when the server stops: what it waits for ends after that.
            return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._lanes[lane])
        except (MemoryError, RuntimeError) as error:
            if not lacks_resources(error):
                raise
            what = str(error) or "there is not enough memory"
            raise PhotofindError(
                f"the daemon cannot answer at the moment: {what}", "try again in a few seconds"
            ) from error

    async def picture(self, work: Callable[[], bytes]) -> bytes:
        """Return the picture that ``work`` makes; very large ones wait for each other only."""
        try:
            return await self.run_in(PICTURES, work)
        except VeryLargeError:
            return await self.run_in(VERY_LARGE, work)

    async def answer(
        self, work: Callable[[], object], lane: str, *, key: str | None = None
    ) -> Response:
        """Return as JSON what ``work`` returns; with a ``key``, as the member of an object."""

        def encoded() -> tuple[bytes, int]:
            value = work()
            body = json_bytes(value if key is None else {key: value})
            return body, len(self.operations.problems)

        body, problems = await self.run_in(lane, encoded)
        return JsonResponse(body, headers={PROBLEMS: str(problems)} if problems else None)


async def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
