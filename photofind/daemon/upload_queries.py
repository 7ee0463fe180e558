"""Questions that name uploads, carried out by what knows paths and ids alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from photofind.daemon.uploads import Uploads
from photofind.errors import ImageError, RequestError
from photofind.model import Answer, ExplainedPhoto, Explanation, KnownPhoto, Query
from photofind.model.references import UPLOAD

__all__ = ["answered", "explain", "known", "nameless"]


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
    paths = _paths(uploads, (*query.like, *query.unlike))
    try:
        answer = ask(_renamed(query, paths), **options)
    except ImageError as error:
        for path in paths.values():
            error = nameless(error, path)
        raise error from None
    references = {path: upload for upload, path in paths.items()}
    return replace(answer, query=_renamed(answer.query, references))


def known(
    ask: Callable[..., list[KnownPhoto]],
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
    paths = _paths(uploads, photos)
    found = ask([paths.get(photo, photo) for photo in photos], folder=folder)
    return [replace(one, path=photo) for photo, one in zip(photos, found, strict=True)]


def explain(
    ask: Callable[..., Explanation],
    uploads: Uploads,
    query: int | str,
    hit: int | str,
    **options: str | float | None,
) -> Explanation:
    """Explain why a photo is a hit of a query; the explanation names an upload as the query does.

    Raises
    ------
    PhotoNotFoundError

    Raises
    ------
    PhotoNotFoundError
        An upload is not there any more, or the hit is not in the library.
    PhotofindError
        As `Operations.explain`; without the path of an upload.
    """
    path = next(iter(_paths(uploads, [query]).values()), None)
    if path is None:
        return ask(query, hit, **options)
    try:
        explanation = ask(path, hit, **options)
    except ImageError as error:
        raise nameless(error, path) from None
    parts = tuple(
        replace(part, note=part.note and _without(path, part.note)) for part in explanation.parts
    )
    notes = tuple(_without(path, note) for note in explanation.notes)
    return replace(explanation, query=ExplainedPhoto(str(query)), parts=parts, notes=notes)


def nameless(error: ImageError, path: str) -> ImageError:
    """Return an error without the path of an upload, which means nothing to its sender."""
    return ImageError(_without(path, error.message), error.hint)


def _without(path: str, text: str) -> str:
    return text.replace(path, "the picture that was sent")


def _paths(uploads: Uploads, photos: Iterable[int | str]) -> dict[str, str]:
    """Return the paths of the uploads among some photos."""
    return {
        photo: uploads.path(photo.removeprefix(UPLOAD))
        for photo in photos
        if isinstance(photo, str) and photo.startswith(UPLOAD)
    }


def _renamed(query: Query, names: Mapping[str, str]) -> Query:
    def renamed(photos: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return tuple(names.get(one, one) if isinstance(one, str) else one for one in photos)

    return replace(query, like=renamed(query.like), unlike=renamed(query.unlike))
