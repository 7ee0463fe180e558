"""``photofind known``: which photos are in the library already."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths, print_table, show_progress
from photofind.cli.parameters import AbsoluteFolder, ImagePath
from photofind.errors import LibraryError
from photofind.model.counted import counted

if TYPE_CHECKING:
    from photofind.model import KnownPhoto, KnownState, Skipped
    from photofind.operations import Operations

__all__ = ["known"]

_STATES: tuple[KnownState, ...] = ("identical", "same picture", "new", "indexed", "failed")
_AT_ONCE = 50


@click.command(
    short_help="Say which photos are in the library already.",
    epilog="""\b
Examples:
  photofind known /media/me/CARD
  photofind known download.jpg || cp download.jpg ~/Pictures
  photofind known /media/me/CARD --new --paths-only -0 | xargs -0 cp -n -t ~/Pictures/new
  photofind known ~/old-disk --against ~/Pictures/2019 --json""",
)
@click.argument("paths", nargs=-1, required=True, type=ImagePath())
@click.option("--new", "states", flag_value="new", multiple=True,
              help="List those that the library does not have.")  # fmt: skip
@click.option("--same", "states", flag_value="same picture", multiple=True,
              help="List those whose picture it has, saved otherwise.")  # fmt: skip
@click.option("--identical", "states", flag_value="identical", multiple=True,
              help="List those of which it has the same content.")  # fmt: skip
@click.option("--against", type=AbsoluteFolder(), metavar="FOLDER",
              help="Look only at photos of the library below FOLDER.")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Show them on a page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--paths-only", is_flag=True, help="Print the paths of PATHS alone, a line each.")
@click.option("-0", "--null", is_flag=True, help="With --paths-only: end paths by a null byte.")
def known(
    paths: tuple[str, ...],
    states: tuple[KnownState, ...],
    against: str | None,
    opens: bool,
    as_json: bool,
    paths_only: bool,
    null: bool,
) -> None:
    """Say of photos, or of all photos in folders, whether the library has them already.

    PATHS need not be in the library: a camera card, a phone, an old disk. Each photo is identical
    to one in the library, shows the same picture as one (rescaled, saved again, turned, cropped),
    or is new. One that is itself in the library, and nowhere else in it, is "indexed". Nothing is
    added to the library, and nothing written beside the photos.

    The exit code is 0 only if the library has them all, and 1 otherwise.
    """
    if null and not paths_only:
        raise click.UsageError("-0 goes with --paths-only")
    if opens + as_json + paths_only > 1:
        raise click.UsageError("--open, --json and --paths-only exclude each other")
    if opens:
        _open(paths, against)
        return
    counts: Counter[KnownState] = Counter()
    skipped: list[Skipped] = []
    shown: list[KnownPhoto] = []

    def chosen(found: Iterator[KnownPhoto]) -> Iterator[KnownPhoto]:
        for photo in found:
            counts[photo.state] += 1
            if photo.state == "failed" and (states or paths_only):
                note(f"{photo.path} cannot be compared: {photo.reason}")
            if not states or photo.state in states:
                yield photo

    with connected(start=True) as photofind:
        files, folders = _files(photofind, paths, skipped)
        found = chosen(_look(photofind, files, folders, against))
        if paths_only:
            print_paths((photo.path for photo in found), null=null)
        elif as_json:
            shown = [*found]
        else:
            print_table(("", "photo", "in the library", ""), map(_row, found))
    note(*(f"{one.path} was left out: {one.reason}" for one in skipped))
    if as_json:
        print_json({"photos": shown, "counts": {state: counts[state] for state in _STATES},
                    "skipped": skipped})  # fmt: skip
    else:
        note(_summary(counts))
    if skipped or counts["new"] or counts["failed"]:
        raise SystemExit(1)


def _files(
    photofind: Operations, paths: Sequence[str], skipped: list[Skipped]
) -> tuple[list[str], list[str]]:
    """Return the photos at some paths and those in the folders among them, and these folders."""
    found: dict[str, None] = {}
    folders: list[str] = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 (the path may not be UTF-8)
            folders.append(path)
            listed = photofind.photo_files(path)
            skipped += listed.skipped
            found |= dict.fromkeys(listed.paths)
        else:
            found[path] = None
    return [*found], folders


def _look(
    photofind: Operations, files: Sequence[str], folders: Sequence[str], against: str | None
) -> Iterator[KnownPhoto]:
    """Yield what is known of photos.

    Raises
    ------
    LibraryError
        A folder is gone meanwhile, as a card is that was pulled.
    """
    from photofind.model import Progress

    begun = time.monotonic()
    with show_progress() as progress:
        for start in range(0, len(files), _AT_ONCE):
            rate = start / (time.monotonic() - begun) if start else None
            left = (len(files) - start) / rate if rate else None
            progress(Progress("comparing photos", start, len(files), rate=rate, seconds_left=left))
            some = photofind.known(files[start : start + _AT_ONCE], folder=against)
            if all(photo.state == "failed" for photo in some):
                for folder in folders:
                    if not os.path.isdir(folder):  # noqa: PTH112
                        raise LibraryError(
                            f"{folder} is not there any more: {start:,} of {len(files):,} photos "
                            "were compared",
                            "connect it again, and run the same again",
                        )
            yield from some


def _row(photo: KnownPhoto) -> tuple[str, ...]:
    where = photo.matches[0] if photo.matches else ""
    more = [f"+{len(photo.matches) - 1} more"] if len(photo.matches) > 1 else []
    reason = [photo.reason] if photo.reason else []
    return photo.state, photo.path, where, ", ".join([*photo.done, *more, *reason])


def _summary(counts: Counter[KnownState]) -> str:
    total = sum(counts.values())
    parts = [f"{counts[state]:,} {state}" for state in _STATES if counts[state]]
    return f"{counted(total, 'photo')}: {', '.join(parts)}" if total else "there are no photos"


def _open(paths: Sequence[str], against: str | None) -> None:
    """Open the page that says which photos of a folder are known."""
    from photofind.cli.web import notifying_of_errors, open_page

    if len(paths) > 1 or against is not None:
        raise click.UsageError("--open takes one folder, and goes without --against")
    with notifying_of_errors():
        open_page(known=paths[0])
