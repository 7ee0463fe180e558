"""The tray icon, drawn separately for each size, so that its edges fall on pixels."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["IconState", "draw"]

_GRID = 64  # Size of the coordinate system below, as in assets/photofind.svg.
_FINER = 8  # Oversampling factor.

_BLUE, _PALE, _SUN, _WHITE = "#2f66d0", "#9db8ee", "#ffd43b", "#ffffff"
_GREY, _PALE_GREY = "#6f7782", "#b4bac2"
_TRANSPARENT = (0, 0, 0, 0)

_Colour: TypeAlias = str | tuple[int, int, int, int]


class IconState(Enum):
    """The state that the icon shows; the value is the colour of its badge."""

    IDLE = ""
    WORKING = "#1f9d55"
    PAUSED = "#f0a000"
    PROBLEM = "#e03131"
    STOPPED = "grey"


def draw(state: IconState, size: int) -> Image:
    """Return the icon, ``size`` pixels wide and high, on a transparent background.

    Blue, grey and white are visible on dark and light panels. A gap around the badge and the lens
    separates them from the photos behind them.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (size * _FINER, size * _FINER), _TRANSPARENT)
    pen = _Pen(ImageDraw.Draw(image), size)
    stopped = state is IconState.STOPPED
    front, back = (_GREY, _PALE_GREY) if stopped else (_BLUE, _PALE)
    _draw_photos(pen, front, back, _WHITE if stopped else _SUN)
    if state in (IconState.IDLE, IconState.STOPPED):
        _draw_lens(pen, front)
    else:
        _draw_badge(pen, state)
    return image.resize((size, size), Image.Resampling.BOX)


class _Pen:
    """Draws in grid coordinates; snapped edges fall between two pixels of the icon."""

    def __init__(self, canvas: ImageDraw, size: int) -> None:
        self.canvas = canvas
        self._scale = size / _GRID

    def card(self, left: float, top: float, right: float, bottom: float, fill: _Colour) -> None:
        box = [self._snapped(place) for place in (left, top, right, bottom)]
        box[2:] = [edge - 1 for edge in box[2:]]  # Pillow draws the last pixel too.
        self.canvas.rounded_rectangle(box, self._exact(7), fill)

    def bar(self, left: float, top: float, right: float, bottom: float, fill: _Colour) -> None:
        box = [self._snapped(place) for place in (left, top, right, bottom)]
        self.canvas.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], fill)

    def disc(self, x: float, y: float, radius: float, fill: _Colour) -> None:
        box = (x - radius, y - radius, x + radius, y + radius)
        self.canvas.ellipse([self._exact(place) for place in box], fill)

    def polygon(self, places: list[tuple[float, float]], fill: _Colour) -> None:
        self.canvas.polygon([(self._exact(x), self._exact(y)) for x, y in places], fill)

    def line(self, start: float, end: float, width: float, fill: _Colour) -> None:
        """Draw a line on the diagonal, with round ends."""
        half = width / 2 * 0.7071
        a, b = (start + half, start - half), (start - half, start + half)
        c, d = (end - half, end + half), (end + half, end - half)
        self.polygon([a, b, c, d], fill)
        for place in (start, end):
            self.disc(place, place, width / 2, fill)

    def _exact(self, place: float) -> float:
        return place * self._scale * _FINER

    def _snapped(self, place: float) -> int:
        return round(place * self._scale) * _FINER


def _draw_photos(pen: _Pen, front: str, back: str, sun: str) -> None:
    pen.card(18, 4, 62, 42, back)
    pen.card(0, 11, 53, 61, _TRANSPARENT)
    pen.card(2, 14, 50, 58, front)
    pen.disc(16, 27, 5.5, sun)
    pen.polygon([(7, 52), (21, 34), (29, 44), (36, 36), (46, 52)], _WHITE)


def _draw_lens(pen: _Pen, colour: str) -> None:
    pen.disc(44, 44, 18.5, _TRANSPARENT)
    pen.line(52, 58.5, 16, _TRANSPARENT)
    pen.line(52, 58.5, 9, colour)
    pen.disc(44, 44, 14.5, colour)
    pen.disc(44, 44, 8.5, _WHITE)


def _draw_badge(pen: _Pen, state: IconState) -> None:
    pen.disc(45, 45, 22, _TRANSPARENT)
    pen.disc(45, 45, 18.5, state.value)
    if state is IconState.WORKING:
        for x in (35.5, 45, 54.5):
            pen.disc(x, 45, 3.6, _WHITE)
    elif state is IconState.PAUSED:
        pen.bar(37.5, 36, 43, 54, _WHITE)
        pen.bar(47, 36, 52.5, 54, _WHITE)
    else:
        pen.bar(42, 33, 48, 48, _WHITE)
        pen.bar(42, 51.5, 48, 57, _WHITE)
