"""Files made to do harm, indexed by a real daemon beside honest photos.

    python benchmarks/bombs.py DIR

Each is put into a watched folder by itself, together with three honest photos. Told are the time
until the honest photos were found, the time until the bomb was dealt with, the most memory that a
process of the daemon took (proportional share where the system tells it), and what became of it.
"""

from __future__ import annotations

import argparse
import io
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageCms, PngImagePlugin

from photofind.daemon.client import Client, connect
from photofind.daemon.lifecycle import stop
from photofind.daemon.runtime import read_runtime
from photofind.paths import Home

SIDE = 50_000
LONGEST = 120.0


def picture(side: int = 64, **options: object) -> bytes:
    """Return a small JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(buffer, "JPEG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *parts: bytes, pixels: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = b"".join(parts) + chunk(b"IDAT", pixels or zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count % (1 << 20))), packer.flush()])


def saved(format_name: str, side: int, **options: object) -> bytes:
    """Return a real picture of one colour, in one bit a pixel where the format has that."""
    buffer = io.BytesIO()
    Image.new(str(options.pop("mode", "L")), (side, side)).save(buffer, format_name, **options)
    return buffer.getvalue()


def with_sizes(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def jpeg_of(side: int) -> bytes:
    """Return a JPEG that says how large it is, and has the data of a small one."""
    data = picture()
    return with_sizes(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", side, side))


def scans(count: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * count + data[-2:]


def frames(count: int) -> bytes:
    first = saved("GIF", 2000, mode="P")
    frame = first[first.index(b",") : -1]
    return first[:-1] + frame * count + b";"


def tiff_loop() -> bytes:
    """Return a TIFF whose next directory is itself, and which says it has a 4 GB strip."""
    tags = [(256, 4, 1, 64), (257, 4, 1, 64), (273, 4, 1, 8), (279, 4, 1, 2**32 - 1)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\x08\0\0\0"


def boxes(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I", len(inner) + 12) + b"meta" + bytes(4) + inner
    return b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + inner


def xmp(inner: str) -> bytes:
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{inner}</rdf:RDF></x:xmpmeta>'
    )
    return picture(xmp=text.encode())


def entities() -> bytes:
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE x [<!ENTITY e0 "ha">{names}]><x>&e11;</x>'
    return picture(xmp=text.encode())


def profile() -> bytes:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return png(64, 64, chunk(b"iCCP", b"p\0\0" + zeros(1 << 30)), pixels=zeros(65 * 64) or made)


def text_chunks(count: int) -> bytes:
    return png(64, 64, chunk(b"tEXt", b"k\0v") * count, pixels=zeros(65 * 64))


def compressed_text() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("k", "v")
    return png(64, 64, chunk(b"zTXt", b"k\0\0" + zeros(1 << 30)), pixels=zeros(65 * 64))


DESCRIPTIONS = "<rdf:Description>" * 60 + "<dc:subject><rdf:Bag>"
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG, says 50,000 x 50,000": ("png", lambda: png(SIDE, SIDE)),
    "PNG, is 50,000 x 50,000": ("png", lambda: png(SIDE, SIDE, pixels=zeros(SIDE * (SIDE + 1)))),
    "PNG, is 15,800 x 15,800": ("png", lambda: saved("PNG", 15_800, mode="RGB")),
    "JPEG, says 50,000 x 50,000": ("jpg", lambda: jpeg_of(SIDE)),
    "JPEG, is 50,000 x 50,000": ("jpg", lambda: saved("JPEG", SIDE)),
    "JPEG, is 15,800 x 15,800, progressive": (
        "jpg",
        lambda: saved("JPEG", 15_800, mode="RGB", progressive=True),
    ),
    "TIFF, is 50,000 x 50,000, one bit": (
        "tif",
        lambda: saved("TIFF", SIDE, mode="1", compression="group4"),
    ),
    "WebP, is 15,800 x 15,800": ("webp", lambda: saved("WEBP", 15_800, mode="RGB", lossless=True)),
    "GIF, says 50,000 x 50,000": (
        "gif",
        lambda: with_sizes(saved("GIF", 64, mode="P"), 6, struct.pack("<HH", SIDE, SIDE)),
    ),
    "GIF of 2,000 frames of 4 megapixels": ("gif", lambda: frames(2000)),
    "PNG with a text of 1 GB, compressed": ("png", compressed_text),
    "PNG with a colour profile of 1 GB, compressed": ("png", profile),
    "PNG with 5,000,000 chunks": ("png", lambda: text_chunks(5_000_000)),
    "JPEG with 480 scans of 16 megapixels": ("jpg", lambda: scans(480)),
    "JPEG with 3,000 scans of 16 megapixels": ("jpg", lambda: scans(3000)),
    "TIFF that is its own next": ("tif", tiff_loop),
    "HEIF with 20,000 boxes in each other": ("heic", lambda: boxes(20_000)),
    "XMP with entities in entities": ("jpg", entities),
    "XMP with nested descriptions": (
        "jpg",
        lambda: xmp(DESCRIPTIONS + "<rdf:li>k</rdf:li>" * 2000),
    ),
}


class Watch:
    """The most memory that any process of a daemon takes while a block lasts."""

    def __init__(self, pid: int) -> None:
        self._daemon = psutil.Process(pid)
        self._over = threading.Event()
        self.most = 0

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for process in [self._daemon, *self._daemon.children(recursive=True)]:
                try:
                    self.most = max(self.most, process.memory_info().rss)
                except psutil.Error:
                    continue


def honest(folder: Path, name: str) -> list[Path]:
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    paths = []
    for number in range(3):
        pixels = generator.integers(0, 256, (60, 80, 3), np.uint8)
        path = folder / f"honest-{len([*folder.iterdir()])}-{number}.png"
        Image.fromarray(pixels).resize((800, 600)).save(path)
        paths.append(path)
    return paths


def known(client: Client, path: Path) -> bool:
    every = [*client.photos(limit=10_000), *client.failures()]
    return any(photo.path == str(path) for photo in every)


def tried(client: Client, pid: int, folder: Path) -> Iterator[tuple[str, str]]:
    for number, (name, (suffix, make)) in enumerate(BOMBS.items()):
        data = make()
        bomb = folder / f"bomb-{number}.{suffix}"
        with Watch(pid) as watch:
            bomb.write_bytes(data)
            others = honest(folder, name)
            began = time.monotonic()
            waiting = {bomb, *others}
            times: dict[Path, float] = {}
            while waiting and time.monotonic() - began < LONGEST:
                for path in [path for path in waiting if known(client, path)]:
                    times[path] = time.monotonic() - began
                    waiting.remove(path)
                time.sleep(0.1)
        reason = next((f.reason for f in client.failures() if f.path == str(bomb)), "indexed")
        slowest = max(times.get(path, LONGEST) for path in others)
        yield (
            name,
            f"{len(data) / 1e6:,.2f} | {slowest:.1f} | {times.get(bomb, LONGEST):.1f} | "
            f"{watch.most / 1e6:,.0f} | {reason}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory.resolve()
    directory.mkdir(exist_ok=True)
    home, folder = Home(directory / "home"), directory / "photos"
    folder.mkdir(exist_ok=True)
    client = connect(home)
    assert isinstance(client, Client)
    try:
        client.add_folder(str(folder))
        runtime = read_runtime(home)
        assert runtime is not None
        honest(folder, "first")  # The worker starts.
        while client.status().photos < 3:
            time.sleep(0.2)
        print("| file | MB | others, s | itself, s | most memory, MB | |")
        print("|---|---|---|---|---|---|")
        for name, result in tried(client, runtime.pid, folder):
            print(f"| {name} | {result} |", flush=True)
    finally:
        stop(home)


if __name__ == "__main__":
    main()
