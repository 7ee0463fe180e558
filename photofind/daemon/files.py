"""A photo's own file, as an answer: only what still is a picture, and never as anything else."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import BinaryIO
from urllib.parse import quote

from anyio import to_thread
from starlette.responses import Response, StreamingResponse

from photofind.daemon.answers import Refused
from photofind.errors import LibraryError, RequestError
from photofind.images.formats import RAW_SUFFIXES
from photofind.images.headers import HEADER_BYTES, has_sound_header
from photofind.model import PhotoDetails
from photofind.system.reach import Reach

__all__ = ["OpenFile", "file_response", "open_file"]

_PIECE = 1 << 18
_TIFF = ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"))
_ISO_MEDIA = ((4, b"ftyp"),)

# What each format is called on the web, and what its files begin with: offset, bytes there.
_KINDS: dict[str, tuple[str, tuple[tuple[int, bytes], ...]]] = {
    "JPEG": ("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    "MPO": ("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    "PNG": ("image/png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    "GIF": ("image/gif", ((0, b"GIF87a"), (0, b"GIF89a"))),
    "WEBP": ("image/webp", ((8, b"WEBP"),)),
    "AVIF": ("image/avif", _ISO_MEDIA),
    "HEIF": ("image/heif", _ISO_MEDIA),
    "BMP": ("image/bmp", ((0, b"BM"),)),
    "TIFF": ("image/tiff", _TIFF),
    "JPEG2000": ("image/jp2", ((4, b"jP  \r\n\x87\n"), (0, b"\xff\x4f\xff\x51"))),
    "PPM": ("image/x-portable-anymap", tuple((0, b"P%c" % kind) for kind in b"123456f")),
    "JXL": ("image/jxl", ((0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL \r\n\x87\n"))),
    "CRW": ("image/x-canon-crw", ((6, b"HEAPCCDR"),)),
    "MRW": ("image/x-minolta-mrw", ((0, b"\0MRM"),)),
    "X3F": ("image/x-sigma-x3f", ((0, b"FOVb"),)),
    "CR3": ("image/x-canon-cr3", _ISO_MEDIA),
    "RAF": ("image/x-fuji-raf", ((0, b"FUJIFILMCCD-RAW"),)),
    "ORF": ("image/x-olympus-orf", ((0, b"IIRO\x08\0"), (0, b"IIRS\x08\0"), (0, b"MMOR\0\0"))),
    "RW2": ("image/x-panasonic-rw2", ((0, b"IIU\0"),)),
    **{
        name: ("image/x-dcraw", _TIFF)
        for name in ("RAW", *(suffix[1:].upper() for suffix in sorted(RAW_SUFFIXES)))
        if name not in ("CR3", "CRW", "MRW", "ORF", "RAF", "RW2", "X3F")
    },
}


@dataclass(frozen=True)
class OpenFile:
    """A photo's file, open, with what was seen of it once it was."""

    file: BinaryIO
    media_type: str
    status: os.stat_result
    path: str


def open_file(photo: PhotoDetails, reach: Reach) -> OpenFile:
    """Open the file of a photo of the library.

    Its path may lead to something else by now: only a regular file that begins as files of the
    photo's format do is sent.

    Raises
    ------
    Refused
        The photo could not be read, or its file is out of reach or is no such photo any more.
    NotAnsweringError
        Its folder does not answer.
    """
    if photo.failure is not None:
        raise Refused(409, LibraryError(f"{photo.path} could not be read as a photo"))
    try:
        opened = reach.read(photo.path, lambda beat: _open(photo))
    except OSError as error:
        raise _unreadable(photo.path, error) from None
    if opened is None:
        raise Refused(409, LibraryError(f"{photo.path} is not the photo any more that was indexed"))
    return opened


def _open(photo: PhotoDetails) -> OpenFile | None:
    """Open a photo's file; return None if it is no such photo any more."""
    # A pipe or a device is not even opened.
    if not stat.S_ISREG(os.stat(photo.path).st_mode):  # noqa: PTH116
        return None
    file = open(photo.path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    status = os.fstat(file.fileno())
    media_type = _media_type(photo.format, file.read(HEADER_BYTES), status.st_size)
    file.seek(0)
    # Where its drive is away, another photo may have its name.
    is_own = not photo.offline or (status.st_size, status.st_mtime_ns) == (
        (photo.size, photo.modified)
    )
    if media_type and is_own and stat.S_ISREG(status.st_mode):
        return OpenFile(file, media_type, status, photo.path)
    file.close()
    return None


def file_response(opened: OpenFile, headers: Mapping[str, str], reach: Reach) -> Response:
    """Return a response with a file, or with the range of it that the request asks for.

    Its beginning is read here: a response that has begun can only be cut short.

    Raises
    ------
    Refused
        The file has no bytes in that range, or cannot be read.
    NotAnsweringError
        The file does not answer, or its folder.
    """
    size = opened.status.st_size
    tag = f'"{opened.status.st_mtime_ns:x}-{size:x}"'
    name = quote(PurePath(opened.path).name.encode("utf-8", "replace"), safe="")
    answer = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": f"inline; filename*=UTF-8''{name}",
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "etag": tag,
    }
    if headers.get("if-none-match") == tag:
        opened.file.close()
        return Response(status_code=304, headers=answer)
    start, end, status = 0, size, 200
    wanted = _range(headers.get("range", ""), size)
    if wanted is not None and headers.get("if-range", tag) == tag:
        start, end, status = *wanted, 206
        if start >= end:
            opened.file.close()
            raise Refused(416, RequestError(f"the file has only {size:,} bytes"))
        answer["content-range"] = f"bytes {start}-{end - 1}/{size}"
    answer["content-length"] = str(end - start)
    opened.file.seek(start)
    try:
        beginning = reach.read(opened.path, partial(_piece, opened.file, min(end - start, _PIECE)))
    except BaseException as error:
        opened.file.close()
        if isinstance(error, OSError):
            raise _unreadable(opened.path, error) from None
        raise
    return StreamingResponse(
        _pieces(opened, beginning, end - start, reach), status, answer, media_type=opened.media_type
    )


async def _pieces(opened: OpenFile, piece: bytes, left: int, reach: Reach) -> AsyncIterator[bytes]:
    path, file = opened.path, opened.file
    with file:
        while piece:  # There is none where it has become shorter.
            left -= len(piece)
            yield piece
            # Where it does not answer, the response ends short of its length.
            piece = await to_thread.run_sync(
                reach.read, path, partial(_piece, file, min(left, _PIECE))
            )


def _unreadable(path: str, error: OSError) -> Refused:
    return Refused(404, LibraryError(f"{path} cannot be read: {error.strerror or error}"))


def _piece(file: BinaryIO, size: int, beat: Callable[[], None]) -> bytes:
    return file.read(size)


def _media_type(format_name: str, beginning: bytes, size: int) -> str | None:
    """Return the media type of a file, given how it begins; None if it is not of the format.

    A preliminary photo has no format yet, and may have any.
    """
    for name in [format_name] if format_name else _KINDS:
        media_type, signatures = _KINDS.get(name, ("", ()))
        begins = (beginning.startswith(signature, offset) for offset, signature in signatures)
        if any(begins) and has_sound_header(name, beginning, size):
            return media_type
    return None


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return the beginning and the end of the one range that is asked for (RFC 9110, 14.2).

    None if it is no range, or several: these are answered with the whole file.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _open_without_waiting(path: str, flags: int) -> int:
    # It may have been replaced by a pipe or a terminal since it was looked at.
    more = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"))
    return os.open(path, flags | sum(more))
