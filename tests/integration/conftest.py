"""One indexed library for all tests that only ask."""

from __future__ import annotations

import sys
from datetime import datetime

import pytest
from commands import Album, photofind
from PIL import Image, ImageEnhance, ImageOps
from skimage import data

collect_ignore = (
    ["test_cli_posix.py", "test_questions.py", "test_welcome.py"] if sys.platform == "win32" else []
)

YEARS = {
    "chelsea": 2019, "coffee": 2019, "astronaut": 2020, "rocket": 2020, "camera": 2021,
    "coins": 2021, "moon": 2021, "clock": 2022, "brick": 2022, "grass": 2022,
}  # fmt: skip


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    """Photographs of ten things in a folder for each year, five of each, and three bad files."""
    root = tmp_path_factory.mktemp("album")
    photos = root / "photos"
    for name, year in YEARS.items():
        picture = Image.fromarray(getattr(data, name)()).convert("RGB")
        picture.thumbnail((320, 320))
        (photos / str(year)).mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = datetime(year, 5, 3, 14, 30).strftime("%Y:%m:%d %H:%M:%S")
        width, height = picture.size
        for variant, image in {
            "original": picture,
            "bright": ImageEnhance.Brightness(picture).enhance(1.3),
            "mirrored": ImageOps.mirror(picture),
            "cropped": picture.crop((width // 5, height // 5, width, height)),
            "small": picture.resize((width // 2, height // 2)),
        }.items():
            image.save(photos / str(year) / f"{name}-{variant}.jpg", exif=exif)
    copied = (photos / "2019/chelsea-original.jpg").read_bytes()
    (photos / "2022/copy of a cat.jpg").write_bytes(copied)
    (photos / "bad").mkdir()
    (photos / "bad/text.jpg").write_text("These are words, not pixels.\n")
    (photos / "bad/truncated.jpg").write_bytes(copied[:300])
    (photos / "bad/empty.png").touch()
    home = root / "home"
    assert photofind("folders", "add", photos, home=home).code == 0
    indexed = photofind("index", "--json", home=home)
    assert indexed.code == 0, indexed.stderr
    return Album(home, photos, indexed)
