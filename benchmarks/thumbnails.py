"""The speed of filling a page with thumbnails, over six connections like a browser.

For 500 JPEGs of 12 megapixels and for the photos of a folder: new thumbnails per second, with one
worker and with all workers, and cached ones per second; also as a share of decoding alone, each
photo to 224 pixels on all processors.

    python benchmarks/thumbnails.py DIR
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

from common import (
    in_fresh_process,
    megabytes_of_children,
    photos_below,
    print_figures,
    print_table,
)
from first_pass import make_backlog
from indexing import decoding

from photofind.app import thumbnails as product
from photofind.app.thumbnails import Thumbnails

CONNECTIONS = 6


def fill(photos: list[Path], size: int, workers: int) -> dict[str, float]:
    """Request a thumbnail of each photo, twice; return figures, thumbnails per second."""
    stamps = [(path.stat().st_size, path.stat().st_mtime_ns) for path in photos]
    with (
        mock.patch.object(product, "_WORKERS", workers),
        tempfile.TemporaryDirectory() as folder,
        Thumbnails(Path(folder, "thumbnails")) as thumbnails,
        ThreadPoolExecutor(CONNECTIONS) as connections,
    ):
        rates = []
        for _ in range(2):
            started = time.perf_counter()
            asked = connections.map(
                lambda path, stamp: thumbnails.get(str(path), size, stamp), photos, stamps
            )
            kept = sum(map(len, asked))
            rates.append(len(photos) / (time.perf_counter() - started))
        return {
            "made": round(rates[0], 1),
            "kept": round(rates[1]),
            "bytes each": kept // len(photos),
            "memory of the workers, MB": megabytes_of_children(),
        }


def measure(folder: Path, size: int) -> dict[str, Any]:
    photos = photos_below(folder)
    allowed = in_fresh_process(decoding, folder)["decoding alone"]
    figures: dict[str, Any] = {"photos": len(photos), "decoding alone": round(allowed, 1)}
    for workers in (1, product._WORKERS):
        filled = in_fresh_process(fill, photos, size, workers)
        figures |= {f"{name}, workers: {workers}": value for name, value in filled.items()}
        share = round(filled["made"] / allowed, 2)
        figures[f"share of decoding alone, workers: {workers}"] = share
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder with photos")
    parser.add_argument("--large", type=int, default=500, help="number of large photos")
    parser.add_argument("--size", type=int, default=256, help="size of the thumbnails")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        large = Path(temporary, "large")
        make_backlog(large, arguments.large)
        figures = {
            name: measure(folder, arguments.size)
            for name, folder in ((arguments.folder.name, arguments.folder), ("large", large))
        }
    names = next(iter(figures.values()))
    rows = [[name, *(figure[name] for figure in figures.values())] for name in names]
    print_table(["thumbnails a second", *figures], rows)
    print_figures("thumbnails", figures)


if __name__ == "__main__":
    main()
