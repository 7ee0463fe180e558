"""Questions that name uploads, carried out by what knows paths and ids alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from photofind.daemon.uploads import Uploads
from photofind.errors import ImageError, RequestError
from photofind.model import Answer, KnownPhoto, Query
from photofind.model.references import UPLOAD

__all__ = ["answered", "known", "nameless"]


def answered(ask: Callable[..., Answer], uploads: Uploads, query: Query, **options: Any) -> Answer:
    """Ask an operation to answer a query; the answer names uploads as the query does.

    Raises
    ------
    RequestError
        The query has neither a photo nor words.
    PhotoNotFoundError
        An upload is not there any more.
    PhotofindError
        As the operation; without the path of an upload.
    """
    if not query.like and query.words is None:
        raise RequestError("like: a query has at least one photo, or words")
    paths = {
        photo: uploads.path(photo.removeprefix(UPLOAD))
        for photo in (*query.like, *query.unlike)
        if isinstance(photo, str) and photo.startswith(UPLOAD)
    }
    try:
        answer = ask(_renamed(query, paths), **options)
    except ImageError as error:
        for path in paths.values():
            error = nameless(error, path)
        raise error from None
    references = {path: upload for upload, path in paths.items()}
    return replace(answer, query=_renamed(answer.query, references))


def known(
    operations: Operations,
    uploads: Uploads,
    photos: Sequence[str],
    *,
    folder: str | None = None,
) -> list[KnownPhoto]:
    """Say of photos whether the library has them; the answer names uploads as the question does.

    Raises
    ------
    PhotoNotFoundError
        An upload is not there any more.
    PhotofindError
        As `Operations.known`.
    """
    paths = {
        photo: uploads.path(photo.removeprefix(UPLOAD))
        for photo in photos
        if photo.startswith(UPLOAD)
    }
    found = operations.known([paths.get(photo, photo) for photo in photos], folder=folder)
    return [replace(one, path=photo) for photo, one in zip(photos, found, strict=True)]


def nameless(error: ImageError, path: str) -> ImageError:
    """Return an error without the path of an upload, which means nothing to its sender."""
    return ImageError(error.message.replace(path, "the picture that was sent"), error.hint)


def _renamed(query: Query, names: Mapping[str, str]) -> Query:
    def renamed(photos: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return tuple(names.get(one, one) if isinstance(one, str) else one for one in photos)

    return replace(query, like=renamed(query.like), unlike=renamed(query.unlike))
