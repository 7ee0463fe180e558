"""Pictures of an explanation: both photos, with the regions that carry their likeness shown."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin, UnidentifiedImageError

from photofind.errors import LibraryError
from photofind.model import CellWeights, ExplainedPart, Explanation
from photofind.system.disk import explain_disk_errors

__all__ = ["SIDE", "is_overlay", "overlay", "write_overlays"]

SIDE = 1024
"""The longer side of the pictures that are drawn on, in pixels."""

_HEIGHT, _WIDEST = 560, 900
_MARGIN, _GAP = 28, 20
_PAPER, _INK, _SOFT = (251, 250, 248), (29, 31, 35), (91, 95, 102)
# What carries nothing is this grey and this dark; what carries the most has this much of the tint.
_GREYED, _DARKENED, _TINTED = 0.75, 0.55, 0.3
_TINT = np.array((255, 176, 0), np.float32)
_OUTLINES = (((0, 0, 0), 7), ((255, 214, 92), 3))
_MARK = "photofind explain"


def is_overlay(path: Path) -> bool:
    """Return whether a file is a picture that :func:`write_overlays` wrote."""
    try:
        with Image.open(path) as picture:
            return picture.info.get("Software") == _MARK
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return False


def write_overlays(path: Path, query: bytes, hit: bytes, explanation: Explanation) -> None:
    """Write a PNG of both photos side by side, a row for each extractor that has regions.

    Parameters
    ----------
    path
        The file.
    query, hit
        JPEGs of the photos as they are shown.

    Raises
    ------
    LibraryError
        No extractor has regions, or the disk refuses.
    """
    parts = [part for part in explanation.parts if part.query is not None]
    if not parts:
        why = next((part.note for part in explanation.parts if part.note), "there are none")
        raise LibraryError(f"no picture can be drawn: {why}", "without -o the rest is explained")
    photos = [_fitting(one) for one in (query, hit)]
    picture = _composed(photos, parts, explanation.sentence)
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", _MARK)
    info.add_itxt("Description", explanation.sentence.encode("utf-8", "replace").decode())
    data = io.BytesIO()
    picture.save(data, "PNG", pnginfo=info)
    with explain_disk_errors(path):
        path.write_bytes(data.getvalue())


def overlay(photo: Image.Image, cells: CellWeights) -> Image.Image:
    """Return a photo in which what carries a similarity stands out.

    What carries the most is shown as it is, with a warm tint, and what carries nothing grey and
    dark. The quarter that carries the most is outlined in dark and light, which shows on anything.
    """
    weights = np.array(cells.weights, np.float32).reshape(cells.rows, cells.columns)
    heat = np.clip(weights, 0, None) / max(float(weights.max()), 1e-12)
    smooth = Image.fromarray(heat, "F").resize(photo.size, Image.Resampling.BICUBIC)
    shown = np.clip(np.asarray(smooth), 0, 1)[..., np.newaxis]
    pixels = np.asarray(photo, np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    cold = (_GREYED * grey + (1 - _GREYED) * pixels) * (1 - _DARKENED)
    warm = (1 - _TINTED) * pixels + _TINTED * _TINT * (grey / 255 + 1) / 2
    blended = Image.fromarray((shown * warm + (1 - shown) * cold).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(blended)
    for colour, width in _OUTLINES:
        for line in _borders(cells, photo.size):
            draw.line(line, fill=colour, width=width)
    return blended


def _borders(cells: CellWeights, size: tuple[int, int]) -> Iterable[tuple[float, ...]]:
    """Yield the lines around the named cells, in pixels."""
    named = np.zeros((cells.rows + 2, cells.columns + 2), np.bool_)
    rows, columns = np.divmod(np.array(cells.named, np.intp), cells.columns)
    named[rows + 1, columns + 1] = True
    across, down = (size[0] - 1) / cells.columns, (size[1] - 1) / cells.rows
    for row, column in np.argwhere(named[1:] != named[:-1]).tolist():
        yield (column - 1) * across, row * down, column * across, row * down
    for row, column in np.argwhere(named[:, 1:] != named[:, :-1]).tolist():
        yield column * across, (row - 1) * down, column * across, row * down


def _fitting(jpeg: bytes) -> Image.Image:
    with Image.open(io.BytesIO(jpeg)) as opened:
        photo = opened.convert("RGB")
    scale = min(_HEIGHT / photo.height, _WIDEST / photo.width)
    sides = (max(round(photo.width * scale), 1), max(round(photo.height * scale), 1))
    return photo.resize(sides, Image.Resampling.LANCZOS)


def _composed(photos: list[Image.Image], parts: list[ExplainedPart], sentence: str) -> Image.Image:
    """Return the photos of each part in a row, with the sentence above."""
    wide = sum(photo.width for photo in photos) + _GAP
    high = max(photo.height for photo in photos)
    width = max(wide, 760) + 2 * _MARGIN
    font, small = ImageFont.load_default(22), ImageFont.load_default(18)
    lines = textwrap.wrap(_printable(sentence), max(round((width - 2 * _MARGIN) / 11), 20))
    top = _MARGIN + 30 * len(lines) + _GAP
    row = high + 58 + _GAP
    sheet = Image.new("RGB", (width, top + row * len(parts) + _MARGIN - _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + 30 * number), line, fill=_INK, font=font)
    for number, part in enumerate(parts):
        left, at = _MARGIN, top + row * number
        sides = (("query", part.query), ("hit", part.hit))
        for photo, (name, cells) in zip(photos, sides, strict=True):
            if cells is not None:
                sheet.paste(overlay(photo, cells), (left, at))
                draw.text((left, at + high + 8), f"{name}: {cells.share:.0%}", _SOFT, small)
            left += photo.width + _GAP
        words = f"of what they share to {part.extractor} lies in the outlined quarters"
        draw.text((_MARGIN, at + high + 32), words, _SOFT, small)
    return sheet


def _printable(text: str) -> str:
    """Return a text that the font can draw: file names hold anything."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
