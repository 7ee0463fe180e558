"""Photos anywhere are looked for in the library."""

from __future__ import annotations

from collections.abc import Sequence

from photofind.app.resources import Resources
from photofind.errors import LibraryError
from photofind.extractors.extraction import Extraction
from photofind.indexing.excludes import Rules
from photofind.indexing.scan import Found, scan
from photofind.model import KnownPhoto, PhotoFiles, Skipped
from photofind.model.records import Space
from photofind.search.embedding import CannotEmbed, embedder_for
from photofind.system.reach import Beat

__all__ = ["known_photos", "photo_files"]


def known_photos(
    resources: Resources, paths: Sequence[str], folder: str | None
) -> list[KnownPhoto]:
    """Say of photos anywhere whether the library has them, as `Operations.known` does."""
    resources.library.refresh()

    def embedder() -> tuple[Space, Extraction]:
        space = resources.searcher.answering().first
        try:
            extraction, _ = embedder_for(
                resources.library, space, resources.extraction, resources.extraction.retired
            )
        except CannotEmbed as failure:
            raise failure.reason from None
        return space, extraction

    return resources.known_pictures.look_for(paths, folder, embedder)


def photo_files(resources: Resources, folder: str) -> PhotoFiles:
    """Return the photos in a folder anywhere, as `Operations.photo_files` does.

    Raises
    ------
    LibraryError
        It is no folder that can be listed.
    NotAnsweringError
        It does not answer.
    """

    def walk(beat: Beat) -> list[Found | Skipped]:
        return [
            *scan(
                folder,
                Rules(resources.settings.exclude),
                apart=[str(resources.home.root)],
                beat=beat,
            )
        ]

    found = resources.reach.follow(folder, walk)
    skipped = tuple(one for one in found if isinstance(one, Skipped))
    if any(one.path == folder for one in skipped):
        reason = next(one.reason for one in skipped if one.path == folder)
        raise LibraryError(f"{folder} cannot be looked at: {reason}")
    return PhotoFiles(tuple(one.path for one in found if isinstance(one, Found)), skipped)
