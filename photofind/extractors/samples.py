"""Pictures to try an extractor on: real photographs, blank pictures and noise."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["CAPTIONED", "PHOTOGRAPHS", "blanks", "captioned", "photograph", "photographs"]

CAPTIONED = {
    "a red circle": (215, 25, 30),
    "a green circle": (30, 160, 60),
    "a blue circle": (30, 60, 210),
    "a yellow circle": (240, 220, 30),
    "a white circle": (250, 250, 250),
    "a black circle": (8, 8, 8),
}
"""What made pictures show, in words, and their colours."""

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "coins", "grass", "moon", "rocket")
"""Photographs from scikit-image, all in the public domain or CC0."""


def photograph(name: str) -> Image.Image:
    """Return the photograph of this name in the folder ``photographs``, as RGB."""
    from PIL import Image

    photographs = (files("photofind.extractors") / "photographs").iterdir()
    file = next(one for one in photographs if one.name.partition(".")[0] == name)
    with file.open("rb") as opened, Image.open(opened) as picture:
        return picture.convert("RGB")


def photographs(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return the photographs, uint8 (8, height, width, 3), resized regardless of aspect ratio."""
    height, width = size
    pictures = [photograph(name).resize((width, height)) for name in PHOTOGRAPHS]
    return np.stack([np.asarray(picture) for picture in pictures])


def captioned(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return pictures of what :data:`CAPTIONED` says, on grey, uint8 (6, height, width, 3)."""
    from PIL import Image, ImageDraw

    height, width = size
    pictures = []
    for colour in CAPTIONED.values():
        # Drawn larger, so that edges are smooth at any size.
        picture = Image.new("RGB", (256, 256), (128, 128, 128))
        ImageDraw.Draw(picture).ellipse((16, 16, 240, 240), colour)
        pictures.append(np.asarray(picture.resize((width, height))))
    return np.stack(pictures)


def blanks(size: tuple[int, int]) -> dict[str, npt.NDArray[np.uint8]]:
    """Return pictures without recognisable content, each uint8 (height, width, 3)."""
    height, width = size
    shape = (height, width, 3)
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "grey": np.full(shape, 128, np.uint8),
        "a ramp": np.broadcast_to(ramp[:, np.newaxis], shape).copy(),
        "noise": np.random.default_rng(0).integers(0, 256, shape, np.uint8),
    }
