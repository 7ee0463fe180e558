"""The API that the daemon serves on this machine: ``PhotoFind``, as HTTP and JSON.

docs/reference/api.md is for those who use it; openapi.json beside it says the same to programs.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from photofind import model as values
from photofind.daemon.context import ApiContext, Context
from photofind.daemon.files import file_response, open_file
from photofind.daemon.models import (
    UPLOAD,
    AbsolutePath,
    Date,
    FolderRequest,
    IndexRequest,
    JsonResponse,
    LinkRequest,
    PathRequest,
    PauseRequest,
    Refused,
    SettingRequest,
    SimilarRequest,
    TagName,
    ThumbnailSize,
    error_response,
    not_found,
    too_large,
    unexpected,
)
from photofind.daemon.openapi import answers, describe
from photofind.daemon.requests import ApiRequest, ApiRoute
from photofind.daemon.streams import event_stream
from photofind.errors import ImageError, LibraryError, PhotofindError, RequestError, WorkerError
from photofind.settings import Setting
from photofind.web import pages

__all__ = ["create_api"]

log = logging.getLogger(__name__)

_PIECE = 1 << 19
_FORM_OVERHEAD = 1 << 16
_JPEG = answers({"type": "string", "format": "binary"}, media_type="image/jpeg")
_LINES = {"type": "string", "description": "a JSON object a line; some lines are empty"}
_EVENTS = {"type": "string", "description": "server-sent events; the data is JSON"}
_FAILED = {
    "description": "refused, not understood, or failed",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
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

_TAG = "photos that carry this tag or keyword; may be repeated"
TagNames = Annotated[list[TagName], Query(max_length=20, description=_TAG)]
Number = Annotated[int, Path(ge=0, le=2**53, description="the number of a photo")]
Size = Annotated[ThumbnailSize, Query(description="pixels of the longer side, at the most")]

router = APIRouter(
    prefix="/api",
    route_class=ApiRoute,
    default_response_class=JsonResponse,
    responses={"4XX": _FAILED},
)


# What photofind is and does.


@router.get("/status", responses=answers(values.Status))
async def status(context: Context) -> Response:
    """Return how the library is and what the daemon does."""
    return await context.answer(context.surface.status)


@router.get(
    "/events", response_class=Response, responses=answers(_EVENTS, media_type="text/event-stream")
)
async def events(context: Context) -> Response:
    """Send what happens, as it happens, until the daemon stops.

    A comment is sent where nothing happens for 30 s. Who reads slowly gets the newest event of
    each kind.
    """
    stream = event_stream(context.mailboxes, context.surface.subscribe)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.post("/pause", status_code=204, response_class=Response)
async def pause(context: Context, request: PauseRequest | None = None) -> Response:
    """Leave all work until resumed, or for some seconds."""
    await context.run(context.surface.pause, request.seconds if request else None)
    return Response(status_code=204)


@router.post("/resume", status_code=204, response_class=Response)
async def resume(context: Context) -> Response:
    """Go on with what was left."""
    await context.run(context.surface.resume)
    return Response(status_code=204)


@router.post("/stop", status_code=202, response_class=Response)
async def stop(context: Context) -> Response:
    """Stop the daemon, once this is answered."""
    context.stop()
    return Response(status_code=202)


@router.post("/links", responses=answers({"type": "object", "required": ["url"]}))
async def links(request: LinkRequest, context: Context) -> Response:
    """Return an address that opens a page of this server in a browser, once, within 60 s."""
    return JsonResponse({"url": context.access.link(request.path)})


@router.get("/return/key", include_in_schema=False)
async def key_for_page(context: Context) -> Response:
    """Return what a page proves by, to the next daemon, that this one let it in."""
    return JsonResponse(context.access.page_keys.key_for_page())


@router.get("/doctor", responses=answers(values.Check, many=True))
async def doctor(context: Context) -> Response:
    """Return what the doctor finds."""
    return await context.answer(context.surface.doctor)


@router.post("/doctor/repair", responses=answers(values.Check, many=True))
async def repair(context: Context) -> Response:
    """Mend what can be mended; return what the doctor finds."""
    return await context.answer(partial(context.surface.doctor, repair=True))


# Folders.


@router.get("/folders", responses=answers(values.FolderStatus, many=True))
async def folders(context: Context) -> Response:
    """Return the folders of the library."""
    return await context.answer(context.surface.folders)


@router.post("/folders", status_code=204, response_class=Response)
async def add_folder(request: FolderRequest, context: Context) -> Response:
    """Add a folder, or change what is excluded in one that is there."""
    await context.run(context.surface.add_folder, request.path, excludes=request.excludes)
    return Response(status_code=204)


@router.post("/folders/remove", responses=answers({"type": "object", "required": ["removed"]}))
async def remove_folder(request: PathRequest, context: Context) -> Response:
    """Take a folder out of the library, with all that is known of its photos."""
    removed = await context.run(context.surface.remove_folder, request.path)
    return JsonResponse({"removed": removed})


@router.get("/folders/covers", responses=answers({"type": "object", "required": ["covers"]}))
async def covers(path: Annotated[AbsolutePath, Query()], context: Context) -> Response:
    """Return whether a folder is one of the library's or lies in one."""
    return JsonResponse({"covers": await context.run(context.surface.covers, path)})


@router.post(
    "/index",
    response_class=Response,
    responses=answers(_LINES, media_type="application/x-ndjson"),
)
async def index(request: IndexRequest, context: Context) -> Response:
    """Bring the library up to date with its folders, and tell how far that is.

    Lines hold ``progress``; the last one holds the ``report``, or an ``error``. The indexing goes
    on if the client goes away.
    """
    work = partial(
        context.surface.index,
        request.folders,
        accept_removals=request.accept_removals,
        retry_failed=request.retry_failed,
        wait=request.wait,
    )
    lines = context.indexings.stream(context.mailboxes, lambda progress: work(progress=progress))
    return StreamingResponse(lines, media_type="application/x-ndjson")


# Searching.


@router.post("/similar", responses=answers(values.Answer))
async def similar(request: SimilarRequest, context: Context) -> Response:
    """Find the photos most like a query."""
    return await context.answer(partial(_similar, context, request), context.searches)


@router.get("/duplicates", responses=answers(values.DuplicateGroup, many=True))
async def duplicates(context: Context) -> Response:
    """Group the photos that show the same picture; the largest groups first."""
    return await context.answer(context.surface.duplicates, context.searches)


@router.post("/uploads", responses=answers({"type": "object"}), openapi_extra=_UPLOAD)
async def upload(request: ApiRequest, context: Context) -> Response:
    """Take in a picture from outside the library, to find the like of.

    Its bytes are the body, or the part ``file`` of a form. The last 50 are kept, for a day.
    """

    def limit() -> int:
        return int(context.surface.settings.max_megabytes * 1e6)

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


@router.get("/uploads/{number}/thumbnail", response_class=Response, responses=_JPEG)
async def upload_thumbnail(
    number: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    context: Context,
    request: ApiRequest,
    size: Size = 256,
) -> Response:
    """Return an upload, small."""
    path = context.uploads.path(number)
    work = partial(context.surface.thumbnail_of, path, size)
    try:
        jpeg = await context.run_among(context.pictures, work)
    except ImageError as error:
        raise _of_upload(error, path) from None
    return _thumbnail(jpeg, request)


# Photos.


@router.get("/photos", responses=answers(values.PhotoDetails, many=True))
async def photos(
    context: Context,
    path: Annotated[AbsolutePath | None, Query(description="that one photo")] = None,
    folder: Annotated[AbsolutePath | None, Query(description="photos below this folder")] = None,
    since: Annotated[Date | None, Query(description="captured then or later")] = None,
    until: Annotated[Date | None, Query(description="captured then or earlier")] = None,
    tag: TagNames = [],  # noqa: B006 (it is only read)
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> Response:
    """Return what is known of photos, the newest first."""
    if path is not None:
        return await context.answer(lambda: [_photo(context, path)])
    chosen = partial(context.surface.photos, folder=folder, since=since, until=until, tags=tag)
    return await context.answer(partial(chosen, offset=offset, limit=limit))


@router.get("/tags", responses=answers(values.TagCount, many=True))
async def tags(
    context: Context, limit: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> Response:
    """Return the tags and keywords that photos carry, those of the most photos first."""
    return await context.answer(partial(context.surface.tags, limit=limit))


@router.get("/tagged", responses=answers(values.PhotoDetails, many=True))
async def tagged(
    context: Context,
    tag: Annotated[list[TagName], Query(min_length=1, max_length=20, description=_TAG)],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> Response:
    """Return the photos that carry all of some tags or keywords, the surest first."""
    return await context.answer(partial(context.surface.tagged, tag, limit=limit))


@router.get("/photos/{number}", responses=answers(values.PhotoDetails))
async def photo(number: Number, context: Context) -> Response:
    """Return what is known of a photo."""
    return await context.answer(partial(_photo, context, number))


@router.get("/photos/{number}/thumbnail", response_class=Response, responses=_JPEG)
async def thumbnail(
    number: Number, context: Context, request: ApiRequest, size: Size = 256
) -> Response:
    """Return a photo, small."""
    work = partial(context.surface.thumbnail, number, size)
    try:
        jpeg = await context.run_among(context.pictures, work)
    except LibraryError as error:
        raise _unknown(error) from None
    return _thumbnail(jpeg, request)


@router.get(
    "/photos/{number}/file",
    response_class=Response,
    responses={
        **answers(_PICTURE, media_type="image/*"),
        206: {"description": "a range of it", "content": {"image/*": {"schema": _PICTURE}}},
    },
)
async def file(number: Number, context: Context, request: ApiRequest) -> Response:
    """Return the file of a photo, or a range of it, as it is."""
    opened = await context.run(lambda: open_file(_photo(context, number)))
    return file_response(opened, request.headers)


@router.get("/failures", responses=answers(values.Failure, many=True))
async def failures(context: Context) -> Response:
    """Return the photos that could not be indexed, and why."""
    return await context.answer(context.surface.failures)


# Extractors and settings.


@router.get("/extractors", responses=answers(values.ExtractorStatus, many=True))
async def extractors(context: Context) -> Response:
    """Return the extractors that are installed."""
    return await context.answer(context.surface.extractors, context.pictures)


@router.get("/settings", responses=answers(Setting, many=True))
async def settings(context: Context) -> Response:
    """Return every setting as it stands."""
    return await context.answer(context.surface.list_settings)


@router.put("/settings/{name:path}", responses=answers({"type": "object", "required": ["value"]}))
async def set_setting(name: str, request: SettingRequest, context: Context) -> Response:
    """Change a setting; the value is typed as a person types it."""
    value = await context.run(context.surface.set_setting, name, request.value)
    return JsonResponse({"value": value})


@router.delete(
    "/settings/{name:path}", responses=answers({"type": "object", "required": ["value"]})
)
async def reset_setting(name: str, context: Context) -> Response:
    """Give a setting its default again."""
    return JsonResponse({"value": await context.run(context.surface.reset_setting, name)})


# The application.


def create_api(context: ApiContext | None = None) -> FastAPI:
    """Return the application that answers with what is on a context.

    Without one it can only describe itself.
    """
    app = FastAPI(
        title="photofind",
        version="1",
        description="Show me the photos like this one. docs/reference/api.md says how to use this.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # Both load programs from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.include_router(router)
    if context is not None:
        app.include_router(pages.router(context.surface, context.access.is_named))
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.add_exception_handler(PhotofindError, _say_error)
    app.add_exception_handler(OSError, _say_os_error)
    app.add_exception_handler(RequestValidationError, _say_invalid)
    app.add_exception_handler(HTTPException, _say_refused)
    app.add_exception_handler(Exception, _say_unexpected)
    return app


async def _say_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PhotofindError)
    if isinstance(error, WorkerError) and error.details:
        log.warning("%s: %s", error.message, error.details)
    return error_response(error)


async def _say_os_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    log.warning("%s failed", request.scope["path"], exc_info=error)
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return error_response(LibraryError(f"{where}{error.strerror or error}"))


async def _say_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    hint = "docs/reference/api.md says what it takes"
    return error_response(RequestError(f"{where}: {reason}", hint))


async def _say_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = error.error if isinstance(error, Refused) else None
    what = RequestError(f"{error.detail}: {request.method} {request.scope['path']}")
    return error_response(known or what, error.status_code, **(error.headers or {}))


async def _say_unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return error_response(unexpected(), 500)


def _similar(context: ApiContext, request: SimilarRequest) -> values.Answer:
    """Answer a query whose photos may be paths, numbers and uploads."""
    uploads: dict[str, str] = {}

    def path(photo: int | str) -> str:
        if isinstance(photo, int):
            return _photo(context, photo).path
        if not photo.startswith(UPLOAD):
            return photo
        found = context.uploads.path(photo.removeprefix(UPLOAD))
        uploads[found] = photo
        return found

    def named(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(uploads.get(path, path) for path in paths)

    query = values.Query(
        like=tuple(path(photo) for photo in request.like),
        unlike=tuple(path(photo) for photo in request.unlike),
        limit=request.limit,
        min_score=request.min_score,
        folder=request.folder,
        since=request.since,
        until=request.until,
        tags=tuple(request.tags),
        extractor=request.extractor,
        plain=request.plain,
        every=request.every,
    )
    try:
        answer = context.surface.similar(query)
    except ImageError as error:
        for upload_path in uploads:
            error = _of_upload(error, upload_path)
        raise error from None
    asked = answer.query
    return replace(answer, query=replace(asked, like=named(asked.like), unlike=named(asked.unlike)))


def _photo(context: ApiContext, photo: int | str) -> values.PhotoDetails:
    try:
        return context.surface.photo(photo)
    except LibraryError as error:
        raise _unknown(error) from None


def _unknown(error: LibraryError) -> Exception:
    """Return what to raise where a photo was asked for and is not there, or the library is not."""
    return not_found(error) if type(error) is LibraryError else error


def _of_upload(error: ImageError, path: str) -> ImageError:
    """Return an error without the path of an upload, which means nothing to whoever sent it."""
    return ImageError(error.message.replace(path, "the picture that was sent"), error.hint)


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
