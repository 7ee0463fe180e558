"""The photographs of ``photofind demo``: those of the package, and edited variants of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from photofind.extractors.samples import photograph
from photofind.paths import private_folder

__all__ = ["make_photos"]

PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "chelsea", "clock", "coffee", "coins", "grass", "gravel",
    "hubble_deep_field", "immunohistochemistry", "moon", "page", "rocket", "text",
)  # fmt: skip
QUERY = "chelsea"


def make_photos(folder: Path) -> tuple[Path, Path]:
    """Write the photographs and their variants below ``folder``, those that are not there yet.

    Returns
    -------
    photos, query
        The folder with the photos to index, and a photo beside it to search with: an edited one
        that is not among them.
    """
    query = folder.parent / f"{QUERY}-seen-elsewhere.jpg"
    private_folder(folder)
    for name in PHOTOGRAPHS:
        original = photograph(name)
        for variant, image in _variants(original):
            _save(image, folder / f"{name}-{variant}.jpg")
        if name == QUERY:
            width, height = original.size
            crop = original.crop((width // 8, 0, width, height - height // 8))
            _save(ImageEnhance.Brightness(crop).enhance(1.2), query)
    return folder, query


def _variants(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    width, height = image.size
    yield "original", image
    yield "cropped", image.crop((width // 6, height // 6, width - width // 6, height))
    yield "mirrored", ImageOps.mirror(image)
    yield "bright", ImageEnhance.Brightness(image).enhance(1.4)
    if image.getextrema().count(image.getextrema()[0]) < 3:  # Has colours to lose.
        yield "grey", ImageOps.grayscale(image).convert("RGB")
    yield "small", image.resize((max(1, width // 3), max(1, height // 3)))
    yield "tilted", image.rotate(8, Image.Resampling.BICUBIC)


def _save(image: Image.Image, path: Path) -> None:
    if not path.exists():
        partial = path.with_suffix(".partial")
        image.save(partial, "JPEG", quality=90)
        partial.replace(path)
