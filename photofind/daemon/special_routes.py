"""The routes of the API that are written by hand: streams, uploads, files, links, and the end."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from photofind.daemon.answers import JsonResponse, Refused, too_large
from photofind.daemon.context import Context
from photofind.daemon.files import file_response, open_file
from photofind.daemon.openapi import answers, api_router
from photofind.daemon.requests import ApiRequest
from photofind.daemon.streams import event_stream
from photofind.daemon.upload_queries import nameless
from photofind.daemon.validation import body_arguments, body_model, constraints
from photofind.errors import ImageError, RequestError
from photofind.model.parameters import EvaluationId, Text, ThumbnailSize
from photofind.model.references import PhotoId
from photofind.operations import OPERATIONS
from photofind.web.reports import report_headers

__all__ = ["router"]

_PIECE = 1 << 19
_FORM_OVERHEAD = 1 << 16
_JPEG = answers({"type": "string", "format": "binary"}, media_type="image/jpeg")
_HTML = answers({"type": "string"}, media_type="text/html")
_LINES = {"type": "string", "description": "a JSON object a line; some lines are empty"}
_EVENTS = {"type": "string", "description": "server-sent events; the data is JSON"}
_PICTURE = {"type": "string", "format": "binary"}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": _PICTURE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _PICTURE},
                }
            },
        },
    }
}

_INDEX = OPERATIONS["index"].parameters(OPERATIONS["index"].routes[0])

_SIZE, _SIZE_SCHEMA = constraints(ThumbnailSize)
_TEXT, _TEXT_SCHEMA = constraints(Text)
(_ID,) = constraints(PhotoId)

Photo = Annotated[int, _ID, Path(description="the id of a photo")]
Size = Annotated[int, _SIZE, _SIZE_SCHEMA, Query(description="pixels of the longer side, at most")]
(_EVALUATION,) = constraints(EvaluationId)
Evaluation = Annotated[str, _EVALUATION, Path(description="the id of an evaluation")]
UploadNumber = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
IndexRequest = body_model(OPERATIONS["index"], _INDEX)


class LinkRequest(BaseModel):
    """A page of this server: its path, with its query if it has one."""

    model_config = ConfigDict(extra="forbid", strict=True)
    path: Annotated[str, _TEXT, _TEXT_SCHEMA] = "/"


class DoorRequest(LinkRequest):
    """A page of this server, and the snap that the browser is from, if it is from one."""

    snap: Annotated[str, _TEXT, _TEXT_SCHEMA] | None = None


router = api_router()


@router.get(
    "/api/events",
    response_class=Response,
    responses=answers(_EVENTS, media_type="text/event-stream"),
)
async def events(context: Context) -> Response:
    """Send what happens, as it happens, until the daemon stops.

    A comment is sent if nothing happens for 30 s. A slow reader gets the newest event of each kind.
    """
    stream = event_stream(context.mailboxes, context.operations.subscribe)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.post(
    "/api/index",
    response_class=Response,
    responses=answers(_LINES, media_type="application/x-ndjson"),
)
async def index(body: IndexRequest, context: Context) -> Response:  # type: ignore[valid-type]
    """Bring the library up to date with its folders, and send the progress.

    Lines hold ``progress``; the last one holds the ``report``, or an ``error``. The indexing goes
    on if the client goes away.
    """
    work = partial(context.operations.index, **body_arguments(_INDEX, body))
    lines = context.indexings.stream(context.mailboxes, lambda progress: work(progress=progress))
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.post("/api/uploads", responses=answers({"type": "object"}), openapi_extra=_UPLOAD)
async def upload(request: ApiRequest, context: Context) -> Response:
    """Take in a picture from outside the library, to search with.

    Its bytes are the body, or the part ``file`` of a form. The last 50 are kept, for a day.
    """

    def limit() -> int:
        return int(context.operations.settings.max_megabytes * 1e6)

    largest = await context.run(limit)
    if int(request.headers.get("content-length", 0)) > largest + _FORM_OVERHEAD:
        raise too_large(largest)
    kind = request.headers.get("content-type", "")
    with await context.run(context.uploads.incoming, kind, largest) as incoming:
        try:
            async for piece in _larger(request.stream()):
                await context.run(incoming.feed, piece)
        except ClientDisconnect:
            raise Refused(400, RequestError("the request ended too early")) from None
        return JsonResponse({"upload": await context.run(incoming.keep)})


@router.get("/api/uploads/{number}/thumbnail", response_class=Response, responses=_JPEG)
async def upload_thumbnail(
    number: UploadNumber, context: Context, request: ApiRequest, size: Size = 256
) -> Response:
    """Return an upload, small."""
    path = context.uploads.path(number)
    try:
        jpeg = await context.picture(partial(context.operations.thumbnail_of, path, size))
    except ImageError as error:
        raise nameless(error, path) from None
    return _thumbnail(jpeg, request)


@router.get("/api/photos/{photo}/thumbnail", response_class=Response, responses=_JPEG)
async def thumbnail(
    photo: Photo, context: Context, request: ApiRequest, size: Size = 256
) -> Response:
    """Return a photo, small."""
    work = partial(context.operations.thumbnail, photo, size)
    return _thumbnail(await context.picture(work), request)


@router.get(
    "/api/photos/{photo}/file",
    response_class=Response,
    responses={
        **answers(_PICTURE, media_type="image/*"),
        206: {"description": "a range of it", "content": {"image/*": {"schema": _PICTURE}}},
    },
)
async def file(photo: Photo, context: Context, request: ApiRequest) -> Response:
    """Return the file of a photo, or a range of it, as it is."""
    reach = context.operations.reach

    def begin() -> Response:
        opened = open_file(context.operations.photo(photo), reach)
        return file_response(opened, request.headers, reach)

    return await context.run(begin)


@router.get("/api/evaluations/{evaluation}/report", response_class=Response, responses=_HTML)
async def evaluation_report(evaluation: Evaluation, context: Context) -> Response:
    """Return the report of an evaluation.

    Its own style and the pictures within it are all that a browser may show of it.
    """
    page = await context.run(context.operations.evaluation_report, evaluation)
    return Response(page, media_type="text/html", headers=report_headers(page))


@router.post("/api/links", responses=answers({"type": "object", "required": ["url"]}))
async def links(body: LinkRequest, context: Context) -> Response:
    """Return an address that opens a page of this server in a browser, once, within 60 s."""
    return JsonResponse({"url": context.access.link(body.path)})


@router.post("/api/doors", responses=answers({"type": "object", "required": ["file"]}))
async def doors(body: DoorRequest, context: Context) -> Response:
    """Return a file that leads a browser to such an address; it is removed once that was used."""
    file = await context.run(context.access.door, body.path, body.snap)
    return JsonResponse({"file": str(file)})


@router.get("/api/return/key", include_in_schema=False)
async def key_for_page(context: Context, request: Request) -> Response:
    """Return the key by which a page proves to the next daemon that this one let it in."""
    key = context.access.key_for_page(request.scope)
    if key is None:
        raise Refused(403, RequestError("only a page in a browser can return"))
    return JsonResponse(key)


@router.post("/api/stop", status_code=202, response_class=Response)
async def stop(context: Context) -> Response:
    """Stop the daemon, once this is answered."""
    context.stop()
    return Response(status_code=202)


def _thumbnail(jpeg: bytes, request: Request) -> Response:
    tag = f'"{hashlib.blake2b(jpeg, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, max-age=600"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, media_type="image/jpeg", headers=headers)


async def _larger(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Put small pieces together, so that each is worth handing to a thread."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)
