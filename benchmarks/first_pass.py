"""Speed and quality of indexing from embedded thumbnails.

Makes JPEGs of 12 megapixels with a thumbnail in their EXIF, about 5 MB each, and measures, in
alternation: embedding from the thumbnails (all photos), from the whole photos (a sample), only
reading the thumbnails, only decoding the photos, and only the network; photos per second on all
processors.

Then gives copies of the photos in DIR, in one folder per class, a thumbnail of 160 x 120, with bars
if they are not 4:3, and measures the hits like retrieval.py, with every photo as a query: first
with all photos embedded from their thumbnails, then from the whole photos.

    python benchmarks/first_pass.py DIR
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import struct
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from common import in_fresh_process, photos_below, print_figures, print_table, without_graphs
from indexing import decoding, make_large_photos, network
from PIL import Image, ImageOps
from retrieval import evaluate

from photofind.app.photofind import PhotoFind
from photofind.extractors.extraction import Extraction
from photofind.extractors.mobilenet import MobileNet
from photofind.images.preview import read_preview
from photofind.indexing.index_maintenance.builder import builder
from photofind.indexing.index_maintenance.maintenance import keep_index
from photofind.library.stores import open_store
from photofind.model.records import Folder, Photo
from photofind.paths import Home

THUMBNAIL = (160, 120)
BATCH = 1024


def with_thumbnail(photo: bytes, thumbnail: bytes, captured: datetime) -> bytes:
    """Return a JPEG with the EXIF of a camera added: a date and a thumbnail."""
    date = captured.strftime("%Y:%m:%d %H:%M:%S").encode() + b"\0"
    # The first directory holds the date, the second the thumbnail (CIPA DC-008).
    first = struct.pack("<H HHII I", 1, 306, 2, len(date), 26, 26 + len(date))
    second_at = 26 + len(date)
    second = struct.pack(
        "<H HHII HHII HHII I",
        *(3, 259, 3, 1, 6),
        *(513, 4, 1, second_at + 42),
        *(514, 4, 1, len(thumbnail)),
        0,
    )
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + date + second + thumbnail
    return photo[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + photo[2:]


def make_thumbnail(photo: bytes) -> bytes:
    """Return a camera's thumbnail of a photo: 4:3, with bars for other shapes."""
    with Image.open(io.BytesIO(photo)) as picture:
        picture.draft("RGB", (2 * THUMBNAIL[0], 2 * THUMBNAIL[1]))
        padded = ImageOps.pad(picture.convert("RGB"), THUMBNAIL, color="black")
    buffer = io.BytesIO()
    padded.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def make_backlog(folder: Path, count: int, different: int = 24) -> None:
    """Write large photos with thumbnails; each has another header, and so another content."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as temporary:
        bases = Path(temporary, "bases")
        make_large_photos(bases, min(count, different))
        photos = [path.read_bytes() for path in photos_below(bases)]
    thumbnails = [make_thumbnail(photo) for photo in photos]
    for number in range(count):
        base = number % len(photos)
        captured = datetime(2020, 1, 1) + timedelta(minutes=number)
        data = with_thumbnail(photos[base], thumbnails[base], captured)
        (folder / f"{number:05}.jpg").write_bytes(data)


def copy_with_thumbnails(folder: Path, copies: Path) -> None:
    """Copy a folder of JPEGs, adding a thumbnail to each."""
    for number, path in enumerate(photos_below(folder)):
        data = path.read_bytes()
        copy = copies / path.relative_to(folder.resolve())
        copy.parent.mkdir(parents=True, exist_ok=True)
        captured = datetime(2020, 1, 1) + timedelta(minutes=number)
        copy.write_bytes(with_thumbnail(data, make_thumbnail(data), captured))


def embedding_thumbnails(folder: Path) -> dict[str, float]:
    """Embed photos from their thumbnails, like the daemon; return photos per second."""
    paths = [str(path) for path in photos_below(folder)]
    with Extraction("mobilenet", low_priority=False) as extraction:
        extraction.info()
        started = time.perf_counter()
        for place in range(0, len(paths), BATCH):
            assert None not in extraction.extract_previews(paths[place : place + BATCH])
        return {"embedded from thumbnails": len(paths) / (time.perf_counter() - started)}


def embedding_photos(folder: Path) -> dict[str, float]:
    """Embed photos from all pixels; return photos per second."""
    paths = [str(path) for path in photos_below(folder)]
    with Extraction("mobilenet", low_priority=False) as extraction:
        extraction.info()
        started = time.perf_counter()
        assert all(one.failure is None for one in extraction.extract(paths))
        return {"embedded from whole photos": len(paths) / (time.perf_counter() - started)}


def reading_thumbnails(folder: Path) -> dict[str, float]:
    """Read and decode thumbnails on all processors; return photos per second."""
    paths = photos_below(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = time.perf_counter()
        for _ in pool.map(lambda path: read_preview(path, MobileNet.input_size), paths):
            pass
        return {"thumbnails read alone": len(paths) / (time.perf_counter() - started)}


def speed(backlog: Path, sample: Path, turns: int) -> dict[str, Any]:
    """Measure all ways in alternation; return the medians, photos per second, and their ratios."""
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(turns):
        for way, photos in (
            (embedding_thumbnails, backlog),
            (embedding_photos, sample),
            (reading_thumbnails, backlog),
            (decoding, sample),
            (network, sample),
        ):
            for name, rate in in_fresh_process(way, photos).items():
                rates[name].append(rate)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    thumbnails = medians["embedded from thumbnails"]
    return {
        "photos": len(photos_below(backlog)),
        **{name: round(rate, 1) for name, rate in medians.items()},
        "thumbnails, times whole photos": round(
            thumbnails / medians["embedded from whole photos"], 2
        ),
        "thumbnails, times the decode limit": round(thumbnails / medians["decoding alone"], 2),
        "thumbnails, share of the network alone": round(thumbnails / medians["network alone"], 2),
    }


def index_thumbnails(home: Home, folder: Path) -> None:
    """Create a library with each photo of a folder embedded from its thumbnail."""
    paths = [str(path) for path in photos_below(folder)]
    with (
        Extraction("mobilenet") as extraction,
        open_store(home, writable=True) as store,
        builder(home) as worker,
    ):
        store.put_folder(Folder(str(folder.resolve()), added=time.time()))
        plugin = extraction.info()
        space = store.open_space(plugin.name, plugin.version, plugin.dimension).id
        found = [one for one in extraction.extract_previews(paths) if one is not None]
        assert len(found) == len(paths), f"{len(paths) - len(found)} thumbnails are of no use"
        photos = []
        for one in found:
            file = Path(one.path).stat()
            photos.append(
                Photo(
                    one.path,
                    size=file.st_size,
                    modified=file.st_mtime_ns,
                    inode=file.st_ino,
                    content=one.content,
                )
            )
        vectors = {one.content: one.vector for one in found if one.vector is not None}
        store.commit(photos, space, vectors)
        keep_index(store, space, worker)


def quality(folder: Path, home: Home) -> list[list[Any]]:
    """Return mAP and precisions, plain and ranked, from thumbnails and from whole photos.

    A preliminary photo is read whole when it is a query.
    """
    rows = []
    photos = [str(path) for path in photos_below(folder)]
    index_thumbnails(home, folder)
    for known in ("thumbnails", "whole photos"):
        with PhotoFind(home) as photofind:
            if known == "whole photos":
                report = photofind.index()
                assert report.changed == len(photos), report
            for plain in (True, False):
                measured = evaluate(photofind, photos, photos, plain)
                rows.append([known, "plain" if plain else "ranked", *measured])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="JPEGs in one folder per class")
    parser.add_argument("--photos", type=int, default=2000, help="number of large photos")
    parser.add_argument("--sample", type=int, default=64, help="number of photos to read whole")
    parser.add_argument("--turns", type=int, default=3, help="measurements of each way")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        copies, home = Path(temporary, "copies"), Home(Path(temporary, "home"))
        copy_with_thumbnails(arguments.folder, copies)
        rows = quality(copies, home)
        backlog, sample = Path(temporary, "backlog"), Path(temporary, "sample")
        make_backlog(backlog, arguments.photos)
        sample.mkdir()
        for path in photos_below(backlog)[: arguments.sample]:
            os.link(path, sample / path.name)
        figures = speed(backlog, sample, arguments.turns)
    columns = ["known by", "ranking", "mAP", "P@1", "P@10", "P@20"]
    print_table(columns, rows)
    print_table(["photos a second", ""], [[*figure] for figure in figures.items()])
    quality_figures = [dict(zip(columns, row, strict=True)) for row in rows]
    print_figures("first_pass", {**figures, "quality": quality_figures})


if __name__ == "__main__":
    main()
