"""A library whose writer is killed, or whose disk fills up, keeps every acknowledged commit."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import numpy as np

from photofind.library.embedded.store import EmbeddedStore
from photofind.paths import Home

DIMENSION = 64

# Commits batches until it is killed, and says so after each. Every photo's vector is a function
# of its content; some photos are copies, some are removed again, and now and then it reclaims.
WRITER = f"""
import sys
import numpy as np
from pathlib import Path
from photofind.library.embedded.store import EmbeddedStore
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.paths import Home

home, first = Home(Path(sys.argv[1])), int(sys.argv[2])
with EmbeddedStore(home, writable=True) as library:
    library.open_space("mobilenet", "1", {DIMENSION})
    print("ready", flush=True)
    for batch in range(first, first + 100_000):
        photos = [
            Photo(path=f"/{{batch}}/{{number}}", content=str(batch * 10 + number % 7))
            for number in range(10)
        ]
        vectors = {{
            photo.content: np.full({DIMENSION}, int(photo.content) % 2048, np.float32)
            for photo in photos
        }}
        library.commit(photos, "mobilenet@1", vectors)
        print("committed", batch, flush=True)
        if batch % 3 == 2:
            print("removing", batch - 1, flush=True)
            library.remove(list(library.select(Filter(f"/{{batch - 1}}"))))
            print("removed", batch - 1, flush=True)
            library.reclaim()
"""


def start(home, first):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home.root), str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # Or readline takes more than a line from communicate.
    )


def batches(library):
    """Check all photos, and return the batches that are there."""
    counts = {}
    for photo in library.select():
        batch, _ = photo.path[1:].split("/")
        counts[int(batch)] = counts.get(int(batch), 0) + 1
        expected = np.full(DIMENSION, int(photo.content) % 2048, np.float32)
        _, (vector,) = library.embeddings("mobilenet@1", [photo.content])
        assert np.array_equal(vector, expected)
    assert all(count == 10 for count in counts.values())
    assert library.problems == []
    return set(counts)


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path):
    home = Home(tmp_path / "home")
    kept: set[int] = set()
    first = 0
    trials = random.Random(7)
    for _ in range(20):
        writer = start(home, first)
        assert writer.stdout.readline() == b"ready\n"
        # So far that a slow machine has commits to lose, and then at any moment.
        told = b"".join(writer.stdout.readline() for _ in range(trials.randrange(8)))
        time.sleep(trials.uniform(0, 0.05))
        writer.kill()
        output, errors = writer.communicate()
        assert errors == b""
        lines = (line.split() for line in (told + output).decode().splitlines())
        said = [(word, int(batch)) for word, batch in lines]
        committed = {batch for word, batch in said if word == "committed"}
        removed = {batch for word, batch in said if word == "removed"}
        doubtful = {batch for word, batch in said if word == "removing"} - removed
        # What was under way when it was killed may or may not be there.
        doubtful.add(max(committed, default=first - 1) + 1)
        kept = (kept | committed) - removed
        with EmbeddedStore(home) as reader:
            assert batches(reader) ^ kept <= doubtful
        with EmbeddedStore(home, writable=True) as library:
            found = batches(library)
        assert found ^ kept <= doubtful
        kept = found
        first = max(doubtful | kept) + 1
    assert len(kept) > 30


# Commits until a limit on the size of files refuses in the middle of a write, as a full disk does;
# looks whether everything is as it was; then does the same again without the limit.
FILLER = f"""
import random, resource, sys
import numpy as np
from pathlib import Path
from photofind.errors import LibraryError
from photofind.library.embedded.store import EmbeddedStore
from photofind.model.records import Photo
from photofind.paths import Home

home = Home(Path(sys.argv[1]))
trials = random.Random(3)

def check(library):
    for photo in library.select():
        (known,), (vector,) = library.embeddings("mobilenet@1", [photo.content])
        assert known
        assert (vector == float(photo.content)).all()
    return {{photo.path for photo in library.select()}}

with EmbeddedStore(home, writable=True) as library:
    library.open_space("mobilenet", "1", {DIMENSION})
    batch, refused = 0, 0
    while refused < 30:
        sizes = [path.stat().st_size for path in home.root.rglob("*") if path.is_file()]
        limit = max(sizes) + trials.randrange(-500, 5000)
        for _ in range(20):
            contents = [str(batch % 200 * 10 + number) for number in range(10)]
            photos = [Photo(f"/{{batch}}/{{content}}", content=content) for content in contents]
            vectors = {{content: np.full({DIMENSION}, int(content), "f4") for content in contents}}
            before, revision = check(library), library.version
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                library.commit(photos, "mobilenet@1", vectors)
            except LibraryError as error:
                assert "raise the limit" in error.hint, error
                refused += 1
                assert (check(library), library.version) == (before, revision)
                assert check(EmbeddedStore(home)) == before
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            library.commit(photos, "mobilenet@1", vectors)
            assert check(library) == before | {{photo.path for photo in photos}}
            batch += 1
    assert check(EmbeddedStore(home)) == check(library)
    assert library.verify() == 0
"""


def test_disk_that_refuses_in_the_middle_of_a_write(tmp_path):
    filler = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert filler.returncode == 0, filler.stderr
