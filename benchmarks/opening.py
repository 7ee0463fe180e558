"""How long a large library takes to open, and to list its newest photos, in fresh processes.

    python benchmarks/opening.py --photos 1000000 --home HOME

Makes a catalog of generated photos, with a file of vectors that holds nothing, unless HOME has one.
Opens it as the first writer after an upgrade does, which goes through all of it and keeps a
checkpoint; then from the checkpoint. Processor time is beside time by the clock, for a machine
that others use too.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from common import in_fresh_process, megabytes, print_figures, print_table
from search import DIMENSION, photo

from photofind.library.embedded.changes import encode
from photofind.library.embedded.journal_format import pack
from photofind.library.embedded.records import (
    StoredSpace,
    from_folder,
    from_photo,
    from_space,
)
from photofind.library.embedded.store import EmbeddedStore
from photofind.model.filters import Filter
from photofind.model.records import Folder
from photofind.paths import Home, private_folder

BATCH = 200
SPACE = StoredSpace("mobilenet", "1", DIMENSION)


def make(root: Path, count: int) -> None:
    """Write the journal that commits leave, without waiting for the disk."""
    home = Home(private_folder(root))
    folder = private_folder(home.spaces / SPACE.id)
    with home.catalog.open("wb") as file:
        file.write(b"photofind catalog 1 0\n")
        file.write(pack([("folders", 1, encode(from_folder(Folder("/photos", added=1.0))))], 1))
        for first in range(0, count, BATCH):
            end = min(first + BATCH, count)
            operations = [
                ("photos", one + 1, encode(from_photo(photo(one), {SPACE.id: one})))
                for one in range(first, end)
            ]
            space = from_space(StoredSpace("mobilenet", "1", DIMENSION, rows=end))
            file.write(pack([*operations, ("spaces", 1, encode(space))], 2 + end))
    with (folder / "vectors-1").open("wb") as vectors:
        vectors.write((b"photofind vectors 2 %d" % DIMENSION).ljust(63) + b"\n")
        vectors.truncate(64 + count * (2 * DIMENSION + 4))


def opened(root: Path, *, writable: bool = False) -> dict[str, Any]:
    """Open a library and list its newest photos."""
    before = megabytes()
    began, used = time.perf_counter(), time.process_time()
    with EmbeddedStore(Home(root), writable=writable) as store:
        figures = {
            "open, s": round(time.perf_counter() - began, 2),
            "open, s of processor": round(time.process_time() - used, 2),
            "MB": round(megabytes() - before),
            "MB at the peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        }
        used = time.process_time()
        newest = list(store.select(Filter(failed=False), newest_first=True, limit=60))
        figures["first listing, s of processor"] = round(time.process_time() - used, 2)
    assert len(newest) == 60
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help="kept for the next run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.home or Path(temporary, "home")
        if not (root / "catalog").exists():
            make(root, arguments.photos)
        checkpoint = Home(root).cache / "catalog.npz"
        checkpoint.unlink(missing_ok=True)
        rows = {
            "all of it read": in_fresh_process(opened, root),
            "the same, and a checkpoint kept": in_fresh_process(_writing, root),
            "from the checkpoint": in_fresh_process(opened, root),
            "from the checkpoint, by the writer": in_fresh_process(_writing, root),
        }
    columns = [*next(iter(rows.values()))]
    table = [[name, *(row[column] for column in columns)] for name, row in rows.items()]
    print_table(["opened", *columns], table)
    print_figures("opening", rows)


def _writing(root: Path) -> dict[str, Any]:
    return opened(root, writable=True)


if __name__ == "__main__":
    main()
