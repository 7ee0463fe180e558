"""A machine that puts photos into a shared library: a process with a home of its own.

Arguments: the home, the address of the library, the folder of the photos, how many commits.
Each commit has five photos, and a line is printed when it is done.
"""

from __future__ import annotations

import sys
from pathlib import Path

from photofind_milvus.store import MilvusStore

from photofind.model.records import Folder, Photo
from photofind.paths import Home
from photofind.testing.stores.subject import DIMENSION, SPACE, embedding

TOGETHER = 5


def main(home: str, address: str, folder: str, commits: int) -> None:
    with MilvusStore(Home(Path(home)), address, writable=True) as store:
        store.open_space("mobilenet", "1", DIMENSION)
        store.put_folder(Folder(folder, 1.0))
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(commits):
            names = [f"{number:03d}-{place}" for place in range(TOGETHER)]
            photos = [Photo(f"{folder}/{name}.jpg", content=name) for name in names]
            store.commit(photos, SPACE, {name: embedding(name) for name in names})
            print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
