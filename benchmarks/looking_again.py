"""What a look for duplicates costs that finds nothing new, in processor time.

Fingerprints are made up: those of all photos differ, but for every fiftieth, which is a copy of
the one before with ten other bits, and for one picture of which there are many copies. Photos are
not compared on their pixels. Prints the seconds of the first look, of another one by a new process
that finds what the first one kept, and of one after a single photo came.

    python benchmarks/looking_again.py [--photos 100000] [--members 4000]
"""

from __future__ import annotations

import argparse
import base64
import tempfile
import time
from pathlib import Path

import numpy as np
from common import print_figures, print_table

from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.search.duplicates import duplicate_groups
from photofind.search.known_pairs import KnownPairs
from photofind.search.matching import Matching

SPACE = "made@1"
YEARS = 20 * 365 * 86_400 * 10**9


def texts(photos: int, members: int) -> list[str]:
    """Make the fingerprints of so many photos, of which the last ones are copies of one."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 256, (photos, 32), np.uint8)
    bits[50::50] = bits[49:-1:50]
    bits[photos - members :] = bits[0]
    changed = np.zeros((photos, 256), np.uint8)
    changed[:, :10] = 1
    copies = np.zeros(photos, np.bool_)
    copies[50::50] = copies[photos - members :] = True
    changed[~copies] = 0
    bits ^= np.packbits(random.permuted(changed, axis=1), axis=1)
    return ["1" + base64.b64encode(bytes([*row, 100])).decode() for row in bits]


def store_of(prints: list[str]) -> MemoryStore:
    random = np.random.default_rng(1)
    store = MemoryStore()
    store.open_space("made", "1", 8)
    names = [f"{number:032x}" for number in range(len(prints))]
    photos = [
        Photo(
            f"/photos/{name}.jpg",
            size=1000,
            modified=int(random.integers(0, YEARS)),
            content=name,
            width=4000 + place % 7,
            height=3000,
            fingerprint=text,
        )
        for place, (name, text) in enumerate(zip(names, prints, strict=True))
    ]
    embeddings = random.normal(size=(len(names), 8)).astype(np.float32)
    store.commit(photos, SPACE, dict(zip(names, embeddings, strict=True)))
    return store


def look(store: MemoryStore, file: Path) -> tuple[float, int, int]:
    """Look for duplicates; return the processor time, the groups, and the largest one."""
    begun = time.process_time()
    matching = Matching(store, SPACE, None, KnownPairs(file))
    matching.go_on(60.0)
    groups = duplicate_groups(store, SPACE, matching)
    spent = time.process_time() - begun
    return spent, len(groups), max(len(group.paths) for group in groups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--members", type=int, default=4_000, help="copies of one picture")
    arguments = parser.parse_args()
    prints = texts(arguments.photos + 1, arguments.members)
    prints = [prints[-1], *prints[:-1]]  # The one that comes is another copy.
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "fingerprints.npz")
        store = store_of(prints[1:])
        rows.append(["first", *look(store, file)])
        rows.append(["again", *look(store, file)])
        rows.append(["with one photo more", *look(store_of([*prints[1:], prints[0]]), file)])
    rows = [[name, round(spent, 2), *more] for name, spent, *more in rows]
    columns = ["look", "processor time, s", "groups", "largest"]
    print_table(columns, rows)
    print_figures("looking again", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
