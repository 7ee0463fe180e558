"""What decoding costs is known before, and is bounded."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from sample_photos import jpeg

from photofind.errors import ImageError
from photofind.images import containers
from photofind.images.containers import open_picture
from photofind.images.cost import Cost, cost_of
from photofind.images.decode import decode
from photofind.images.limits import Limits

MEASURE = """
import sys
from photofind.images.decode import decode
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
with open(sys.argv[1], "rb") as file:
    data = file.read()
decode(data[:0] + open(sys.argv[2], "rb").read(), (64, 64))  # What is needed once.
before = peak()
decode(data, (64, 64))
print(peak() - before)
"""


def encoded(picture: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def cost(data: bytes, target: int = 64) -> Cost:
    picture = open_picture(data, Limits(pixels=10**9))
    return cost_of(picture, picture.size, target, data)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much memory a process took")
@pytest.mark.parametrize(
    ("format_name", "mode", "options"),
    [
        ("PNG", "RGB", {"compress_level": 1}),
        ("PNG", "RGB", {"compress_level": 1, "transparency": (1, 2, 3)}),
        ("WEBP", "RGB", {"method": 0}),
        ("HEIF", "RGBA", {"quality": 20}),
        ("AVIF", "RGBA", {"speed": 10}),
        ("JPEG2000", "RGB", {}),
        ("JPEG", "CMYK", {"progressive": True}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("GIF", "P", {"transparency": 0}),
    ],
)
def test_decoding_takes_no_more_memory_than_estimated(tmp_path: Path, format_name, mode, options):
    for name, side in (("small", 64), ("large", 3000)):
        data = encoded(Image.new(mode, (side, side)), format_name, **options)
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "large", tmp_path / "small"],
        capture_output=True,
        text=True,
        check=True,
    )
    took, estimated = int(done.stdout), cost(data).memory
    assert 0.3 * estimated < took < 1.1 * estimated + 4e6


def test_what_takes_too_much_memory_is_refused_before_it_is_decoded():
    webp = encoded(Image.new("RGB", (3000, 3000)), "WEBP", lossless=True)
    with pytest.raises(ImageError, match=r"about 153 MB of memory, limit 100$"):
        decode(webp, (8, 8), Limits(memory=100_000_000))
    with pytest.raises(ImageError, match="memory"):
        decode(encoded(Image.new("L", (1, 5_000_000)), "PNG"), (224, 224))


def test_a_tile_that_is_larger_than_its_picture_counts():
    written = io.BytesIO()
    tifffile.imwrite(written, np.zeros((64, 64, 3), np.uint8), tile=(64, 64), photometric="rgb")
    buffer = io.BytesIO(written.getvalue())
    assert cost(buffer.getvalue()).memory < 100_000
    with tifffile.TiffFile(buffer, mode="r+") as file:
        for side in (322, 323):
            file.pages.first.tags[side].overwrite(30_000)
    assert cost(buffer.getvalue()).memory > 30_000**2


def test_photos_that_are_large_and_honest_are_within_the_limits():
    head = encoded(Image.new("RGB", (64, 64)), "JPEG", quality=95)
    place = head.index(b"\xff\xc0") + 5
    panorama = head[:place] + struct.pack(">HH", 10_000, 25_000) + head[place + 4 :]
    assert cost(panorama) == Cost(250_000_000, cost(panorama).memory)
    Limits().check_memory(cost(panorama))


def test_a_decoder_is_asked_to_wait_for_its_turn_before_it_begins():
    taken: list[Cost] = []

    @contextmanager
    def take(cost: Cost):
        taken.append(cost)
        yield

    data = encoded(Image.new("RGB", (300, 200)), "PNG")
    decode(data, (8, 8), take=take)
    assert [one.pixels for one in taken] == [60_000]


def scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = jpeg(np.full((64, 64, 3), 90, np.uint8), progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + b"\xff\xd9"


def test_thousands_of_scans_are_refused():
    assert decode(scans(300), (8, 8)).width == 64
    with pytest.raises(ImageError, match=r"1,010 scans, limit 500$"):
        decode(scans(1000), (8, 8))


def test_what_looks_like_a_scan_elsewhere_is_none():
    elsewhere = b"\xff\xda" * 2000
    data = jpeg(np.full((64, 64, 3), 90, np.uint8), progressive=True, comment=elsewhere)
    assert decode(data + elsewhere, (8, 8)).width == 64


@pytest.mark.parametrize(("kind", "before"), [(b"abCd", b"IDAT"), (b"IDAT", b"IDAT")])
def test_hundreds_of_thousands_of_chunks_are_refused(kind, before):
    data = encoded(Image.new("RGB", (64, 64)), "PNG")
    place = data.index(before) - 4
    chunk = struct.pack(">I", 0) + kind + struct.pack(">I", zlib.crc32(kind))
    with pytest.raises(ImageError, match="far too many parts"):
        decode(data[:place] + chunk * 200_000 + data[place:], (8, 8))
    assert decode(data[:place] + chunk * 2000 + data[place:], (8, 8)).width == 64


def test_the_time_for_a_photo_grows_with_its_size_and_pixels():
    limits = Limits()
    assert limits.seconds_for(0) == 15
    assert limits.seconds_for(10_000_000, 24_000_000) == pytest.approx(42)
    assert limits.seconds_for(600_000_000, 200_000_000) > 300


def test_millions_of_chunks_are_refused_before_a_tenth_of_them_is_read(monkeypatch):
    data = encoded(Image.new("RGB", (64, 64)), "PNG")
    place = data.index(b"IDAT") - 4
    chunk = struct.pack(">I", 3) + b"tEXt" + b"k\0v" + struct.pack(">I", zlib.crc32(b"tEXtk\0v"))
    reads = []
    read = containers._Counted.read
    monkeypatch.setattr(
        containers._Counted, "read", lambda self, size=-1: reads.append(size) or read(self, size)
    )
    count = 1_000_000
    with pytest.raises(ImageError, match="far too many parts"):
        decode(data[:place] + chunk * count + data[place:], (8, 8))
    assert len(reads) < 4 * count / 10


@pytest.mark.parametrize(
    ("cost", "is_high"),
    [
        (Cost(100_000_000, 0), False),
        (Cost(24_000_000, 0, scans=12), False),
        (Cost(250_000_000, 0), True),
        (Cost(16_000_000, 0, scans=480), True),
    ],
)
def test_only_what_takes_much_longer_than_a_photo_is_not_waited_for(cost, is_high):
    assert cost.is_high is is_high


def test_scans_are_counted():
    assert cost(scans(300)).scans == 310
    assert 1 <= cost(scans(0)).scans <= 20
