"""A plugin that tests install, upgrade and remove, as pip does to a folder on the path."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["ChangingPlugin"]

_MODULE = """
import time
from pathlib import Path

import numpy as np

PLACE = Path(__file__).parents[2]


class Extractor:
    name = "changing"
    version = "{version}"
    protocol = 1
    input_size = (4, 6)
    dimension = {dimension}

    def embed(self, images):
        # The blank picture that it is tried with is embedded at once.
        while images.std() and (PLACE / "waits-{version}").exists():
            time.sleep(0.02)
        pixels = images.reshape(len(images), -1, 3).astype(np.float32)
        parts = np.concatenate([pixels.mean(axis=1), pixels.std(axis=1) + 1], axis=1)
        return np.ascontiguousarray(np.roll(parts, {shift}, axis=1)[:, :{dimension}])


{comment}
"""


class ChangingPlugin:
    """The distribution ``changing``, installed in a folder or not.

    What it makes of a picture depends on ``shift``, which a version is to fix.
    """

    def __init__(self, site: Path) -> None:
        self.site = site
        site.mkdir(parents=True)

    def install(self, version: str, *, dimension: int = 3, shift: int = 0) -> None:
        """Install a version in place of the one that is there."""
        self.uninstall()
        package = self.site / "changing_for_tests"
        package.mkdir()
        self.write(version, dimension=dimension, shift=shift)
        metadata = self.site / f"changing-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: changing\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(
            "[photofind.extractors]\nchanging = changing_for_tests:Extractor\n"
        )

    def write(self, version: str, *, dimension: int = 3, shift: int = 0, comment: str = "") -> None:
        """Write the module alone, as an editor does to an editable installation."""
        module = self.site / "changing_for_tests" / "__init__.py"
        text = _MODULE.format(version=version, dimension=dimension, shift=shift, comment=comment)
        module.write_text(text)

    def uninstall(self) -> None:
        """Remove what is installed."""
        for folder in self.site.iterdir():
            shutil.rmtree(folder)

    def waits(self, version: str, yes: bool) -> None:
        """Have a version wait before it embeds pictures, or go on."""
        file = self.site.parent / f"waits-{version}"
        file.touch() if yes else file.unlink()
