"""Write scikit-image's photographs to photofind/extractors/photographs, without loss.

Those that are JPEG stay the files that they are; the others are written as lossless WebP, which
takes two thirds of their PNG.
"""

from __future__ import annotations

from pathlib import Path

import skimage
from PIL import Image
from skimage import data

FOLDER = Path(__file__).parents[2] / "photofind" / "extractors" / "photographs"
JPEG = ("hubble_deep_field", "rocket")
OTHERS = (
    "astronaut", "brick", "camera", "chelsea", "clock", "coffee", "coins", "grass", "gravel",
    "immunohistochemistry", "moon", "page", "text",
)  # fmt: skip

if __name__ == "__main__":
    for name in JPEG:
        original = Path(skimage.__file__).parent / "data" / f"{name}.jpg"
        (FOLDER / original.name).write_bytes(original.read_bytes())
    for name in OTHERS:
        photograph = Image.fromarray(getattr(data, name)()).convert("RGB")
        photograph.save(FOLDER / f"{name}.webp", lossless=True, quality=60, method=4)
