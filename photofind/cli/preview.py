"""Pictures in the terminal: as the terminal can show them, or in half blocks of colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import click

from photofind.cli.drawing import drawing
from photofind.cli.output import note
from photofind.errors import PhotofindError
from photofind.system.terminal import shown

if TYPE_CHECKING:
    from PIL.Image import Image

    from photofind.operations import Operations

__all__ = ["Picture", "print_pictures", "wants_pictures"]

# A picture is so many characters wide and high, with a space beside it.
_WIDTH, _HEIGHT = 24, 8
# The pixels of a character, about: pictures are scaled to what the terminal has.
_CELL = 10, 20
_SIDE = 256
_AT_ONCE = 4


class Picture(NamedTuple):
    """A photo to be shown, by its id or its path, and what is written below it."""

    photo: int | str
    label: str


def wants_pictures(option: bool | None, photofind: Operations) -> bool:
    """Return whether pictures are shown in a terminal.

    Parameters
    ----------
    option
        Whether the command line asks for them; None where it does not say.
    photofind
        Knows the setting ``preview``.
    """
    wanted = option
    if option is None and (setting := photofind.settings.preview) != "auto":
        wanted = setting == "always"
    if wanted is False:
        return False
    with drawing() as best:
        if wanted and best.hint:
            note(best.hint)
        return wanted or best.draws_pixels


def print_pictures(photofind: Operations, pictures: Sequence[Picture]) -> None:
    """Print photos side by side, each with its label below it."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        loaded = [*threads.map(lambda one: _loaded(photofind, one.photo), pictures)]
    with drawing() as best:
        console = best.console()
        across = max(1, console.width // (_WIDTH + 1))
        for start in range(0, len(pictures), across):
            some = loaded[start : start + across]
            if any(some):
                width = len(some) * (_WIDTH + 1)
                best.print(console, _side_by_side(some), width, _HEIGHT)
            labels = (_fitted(one.label) for one in pictures[start : start + across])
            click.echo(" ".join(labels).rstrip())


def _loaded(photofind: Operations, photo: int | str) -> Image | None:
    from PIL import Image

    try:
        if isinstance(photo, int):
            data = photofind.thumbnail(photo, _SIDE)
        else:
            data = photofind.thumbnail_of(photo, _SIDE)
    except PhotofindError as error:
        note(f"no preview: {error.message}")
        return None
    return Image.open(io.BytesIO(data)).convert("RGB")


def _side_by_side(pictures: Sequence[Image | None]) -> Image:
    """Return one picture of several, each in the middle of its place."""
    from PIL import Image

    width, height = _WIDTH * _CELL[0], _HEIGHT * _CELL[1]
    sheet = Image.new("RGB", (len(pictures) * (width + _CELL[0]), height))
    for place, picture in enumerate(pictures):
        if picture is None:
            continue
        picture.thumbnail((width, height), Image.Resampling.LANCZOS)
        left = place * (width + _CELL[0]) + (width - picture.width) // 2
        sheet.paste(picture, (left, (height - picture.height) // 2))
    return sheet


def _fitted(label: str) -> str:
    """Return a label as wide as a picture."""
    from rich.cells import set_cell_size

    return set_cell_size(shown(label), _WIDTH)
