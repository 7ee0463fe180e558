"""Files made to do harm, indexed by a real daemon beside honest photos.

    python benchmarks/bombs.py DIR
    python benchmarks/bombs.py DIR thumbnails
    python benchmarks/bombs.py DIR models

Each is put into a watched folder by itself, together with three honest photos. Told are the time
until the honest photos were found, the time until the bomb was dealt with, the most memory that a
process of the daemon took (proportional share where the system tells it), and what became of it.

``thumbnails`` asks the daemon for thumbnails of the files where they lie, each together with one of
an honest photo. ``models`` adds saved models as extractors; it needs Keras.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageCms, PngImagePlugin

from photofind.daemon.client import Client, connect
from photofind.daemon.lifecycle import stop
from photofind.daemon.runtime import read_runtime
from photofind.errors import PhotofindError
from photofind.extractors.add_model import add_model
from photofind.extractors.models import Model
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


def webp_of(side: int) -> bytes:
    """Return a WebP whose canvas is said to be so large, and has the data of a small one."""
    small = saved("WEBP", 64, mode="RGB", lossless=True)[12:]
    size = (side - 1).to_bytes(3, "little")
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size + size
    return b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(small)) + b"WEBP" + canvas + small


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
    "WebP, says 50,000 x 50,000": ("webp", lambda: webp_of(SIDE)),
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


CONFIG = {
    "module": "keras",
    "class_name": "Sequential",
    "registered_name": None,
    "config": {
        "name": "bomb",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "registered_name": None,
                "config": {"batch_shape": [None, 32, 32, 3], "dtype": "float32", "name": "input"},
            },
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "registered_name": None,
                "config": {"name": "dense", "units": 8, "activation": "linear"},
                "build_config": {"input_shape": [None, 32, 32, 3]},
            },
        ],
    },
}
"""Of a model with one layer."""

LARGE = 3 << 30
WIDE = 100_000


def archive(path: Path, parts: dict[str, bytes | int], config: int = 0) -> None:
    """Write a model; a part given as a number is so many zeros, and so is what follows its config.

    Parameters
    ----------
    path
        Of the file.
    parts
        By their names in the archive.
    config
        How many spaces follow its configuration.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))
        with made.open("config.json", "w", force_zip64=True) as part:
            part.write(json.dumps(CONFIG).encode())
            for _ in range(config >> 20):
                part.write(b" " * (1 << 20))
        for name, data in parts.items():
            with made.open(name, "w", force_zip64=True) as part:
                if isinstance(data, bytes):
                    part.write(data)
                    continue
                for _ in range(data >> 20):
                    part.write(bytes(1 << 20))


def weights(path: Path, where: str) -> bytes:
    """Return an HDF5 file with a matrix of 40 GB, of which nothing is stored."""
    import h5py

    with h5py.File(path, "w") as made:
        options = {"chunks": (1000, 1000), "compression": "gzip", "fillvalue": 0.5}
        kernel = made.create_dataset(where, (WIDE, WIDE), "f4", **options)
        kernel[:1000, :1000] = 1
        made[f"{where.rpartition('/')[0]}/1"] = np.zeros(8, "f4")
        made.attrs["model_config"] = json.dumps(CONFIG)
        made.attrs["keras_version"] = "3.0.0"
        made.require_group("model_weights").attrs["layer_names"] = [b"dense"]
        group = made["model_weights"].require_group("dense")
        group.attrs["weight_names"] = [b"kernel"]
        group["kernel"] = kernel
    return path.read_bytes()


def numpy_archive() -> bytes:
    """Return an ``.npz`` with an array of 3 GB of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        head = io.BytesIO()
        shape = {"descr": "<f4", "fortran_order": False, "shape": (LARGE // 4,)}
        np.lib.format.write_array_header_1_0(head, shape)
        with made.open("layers/dense/vars.npy", "w", force_zip64=True) as part:
            part.write(head.getvalue())
            for _ in range(LARGE >> 20):
                part.write(bytes(1 << 20))
    return buffer.getvalue()


MODELS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "`.keras`, configuration of 3 GB": ("keras", lambda path: archive(path, {}, config=LARGE)),
    "`.keras`, weights of 3 GB of zeros": (
        "keras",
        lambda path: archive(path, {"model.weights.h5": LARGE}),
    ),
    "`.keras`, weights in HDF5 that say 40 GB": (
        "keras",
        lambda path: archive(
            path,
            {"model.weights.h5": weights(path.with_suffix(".tmp"), "layers/dense/vars/0")},
        ),
    ),
    "`.keras`, weights in an `.npz` of 3 GB": (
        "keras",
        lambda path: archive(path, {"model.weights.npz": numpy_archive()}),
    ),
    "`.h5`, a matrix that says 40 GB": ("h5", lambda path: weights(path, "kernel")),
    "`.npz` of 3 GB": ("npz", lambda path: path.write_bytes(numpy_archive())),
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


def thumbnails_tried(client: Client, pid: int, folder: Path) -> Iterator[tuple[str, str]]:
    """Ask for thumbnails of bombs outside of the library, and of an honest photo meanwhile."""
    (photo, *_) = honest(folder, "others")
    client.thumbnail_of(str(photo))  # The worker starts.
    for number, (name, (suffix, make)) in enumerate(BOMBS.items()):
        bomb = folder / f"bomb-{number}.{suffix}"
        bomb.write_bytes(make())
        began = time.monotonic()
        results: list[tuple[float, str]] = []

        def ask(path: Path = bomb, began: float = began, results: list = results) -> None:
            try:
                outcome = f"{len(client.thumbnail_of(str(path))):,} bytes"
            except PhotofindError as error:
                outcome = error.message
            results.append((time.monotonic() - began, outcome))

        with Watch(pid) as watch:
            asking = threading.Thread(target=ask)
            asking.start()
            # Of another size each time, so that none is remembered.
            Image.new("RGB", (800, 600), (number, 0, 0)).save(photo)
            client.thumbnail_of(str(photo))
            meanwhile = time.monotonic() - began
            asking.join()
        (seconds, outcome), *_ = results
        bomb.unlink()
        yield name, f"{meanwhile:.1f} | {seconds:.1f} | {watch.most / 1e6:,.0f} | {outcome}"


def models_tried(home: Home, folder: Path) -> Iterator[tuple[str, str]]:
    """Add each model as an extractor, in this process and the worker that it starts."""
    for number, (name, (suffix, make)) in enumerate(MODELS.items()):
        path = folder / f"model-{number}.{suffix}"
        make(path)
        began = time.monotonic()
        with Watch(os.getpid()) as watch:
            try:
                add_model(home, Model(f"bomb-{number}", str(path), ""))
                outcome = "added"
            except PhotofindError as error:
                outcome = error.message
        size = path.stat().st_size / 1e6
        seconds = time.monotonic() - began
        yield name, f"{size:,.2f} | {seconds:.1f} | {watch.most / 1e6:,.0f} | {outcome}"
        path.unlink()


def show(head: str, rows: Iterator[tuple[str, str]]) -> None:
    print(head)
    print("|---" * (head.count("|") - 1) + "|")
    for name, result in rows:
        print(f"| {name} | {result} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    what = ["indexing", "thumbnails", "models"]
    parser.add_argument("what", nargs="?", default="indexing", choices=what)
    arguments = parser.parse_args()
    directory = arguments.directory.resolve()
    directory.mkdir(exist_ok=True)
    if arguments.what == "models":
        home = Home(directory / "home")
        home.root.mkdir(mode=0o700, exist_ok=True)
        show("| model | MB | s | most memory, MB | |", models_tried(home, directory))
        return
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
        if arguments.what == "thumbnails":
            beside = directory / "beside"
            beside.mkdir(exist_ok=True)
            rows = thumbnails_tried(client, runtime.pid, beside)
            show("| file | an honest one, s | itself, s | most memory, MB | |", rows)
        else:
            rows = tried(client, runtime.pid, folder)
            show("| file | MB | others, s | itself, s | most memory, MB | |", rows)
    finally:
        stop(home)


if __name__ == "__main__":
    main()
