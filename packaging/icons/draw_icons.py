"""Draw the icon at the sizes that desktops need, into photofind/desktop/assets."""

from __future__ import annotations

from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from photofind.desktop.icon import IconState, draw
from photofind.desktop.integration import MARK

__all__ = ["ASSETS", "SIZES"]

ASSETS = Path(__file__).parents[2] / "photofind/desktop/assets"
SIZES = (16, 22, 24, 32, 48, 64, 128, 256)


def main() -> None:
    """Write one PNG per size, and one file with several sizes for Windows."""
    comment = PngInfo()
    comment.add_text("Comment", MARK)
    icons = {size: draw(IconState.IDLE, size) for size in SIZES}
    for size, icon in icons.items():
        icon.save(ASSETS / f"photofind-{size}.png", optimize=True, pnginfo=comment)
    largest, *others = [icons[size] for size in (256, 64, 48, 32, 24, 16)]
    sizes = [icon.size for icon in (largest, *others)]
    largest.save(ASSETS / "photofind.ico", sizes=sizes, append_images=others)


if __name__ == "__main__":
    main()
