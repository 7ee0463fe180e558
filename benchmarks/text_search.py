"""Search by words: photofind's text index beside plain SQLite FTS5 and tantivy.

    python benchmarks/text_search.py            # 100,000 photos
    python benchmarks/text_search.py 20000

Made names, captions, keywords, dates, places, tags. Each engine is built and asked in a fresh
process, one after the other. Plain FTS5 and tantivy index the same texts of each photo as one
field, and know nothing of times, fields or spelling. Answers are told in processor time: they wait
for nothing, and other programs do not count.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import in_fresh_process, megabytes, milliseconds, print_table

from photofind.library.memory import MemoryStore
from photofind.library.store import Counts
from photofind.model.records import Folder, Photo
from photofind.words import text_index
from photofind.words.documents import document
from photofind.words.searching import Limits, search
from photofind.words.text_index import TextIndex

PHOTOS = 100_000
QUESTIONS = 100
CITIES = [
    (51.51, -0.13, "London", "England"), (48.86, 2.35, "Paris", "France"),
    (52.52, 13.4, "Berlin", "Germany"), (35.68, 139.69, "Tokyo", "Japan"),
    (40.71, -74.0, "New York", "United States"), (41.9, 12.5, "Rome", "Italy"),
]  # fmt: skip
CAMERAS = ["NIKON D750", "Canon EOS 5D", "Apple iPhone 12", "SONY ILCE-7M3", "Google Pixel 6"]
TAGS = [
    "minibus",
    "golden retriever",
    "seashore",
    "castle",
    "tabby",
    "sports car",
    "palace",
    "daisy",
]
LETTERS = "bdfgklmnprstvz", "aeiou"


class Counted(MemoryStore):
    """A library in memory that counts its photos once, as the engine on disk does."""

    _known: tuple[object, Counts] | None = None

    def counts(self) -> Counts:
        """Return how many photos there are."""
        if self._known is None or self._known[0] != self.version:
            self._known = self.version, super().counts()
        return self._known[1]


def made_words(draw: random.Random, count: int) -> list[str]:
    """Return words that people might write; the first ones are the most frequent."""
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = draw.randint(1, 4)
        words["".join(draw.choice(LETTERS[n % 2]) for n in range(2 * syllables))] = None
    return [*words]


def made_photos(count: int) -> Iterator[Photo]:
    """Yield photos as a library of many years has them."""
    draw = random.Random(7)
    words = made_words(draw, 20_000)

    def some(least: int, most: int) -> list[str]:
        # As words are used: the n-th about 1/n times as often as the first (Zipf).
        count = draw.randint(least, most)
        return [words[int(len(words) ** draw.random()) - 1] for _ in range(count)]

    for number in range(count):
        year, month, day = draw.randint(2000, 2024), draw.randint(1, 12), draw.randint(1, 28)
        trip = " ".join(some(1, 2))
        latitude, longitude, *_ = draw.choice(CITIES)
        yield Photo(
            f"/pictures/{year}/{month:02} {trip}/IMG_{number:06}.jpg",
            content=f"{number:032x}",
            captured=f"{year}-{month:02}-{day:02}T12:00:00",
            format="JPEG",
            camera=draw.choice(CAMERAS),
            latitude=latitude if draw.random() < 0.5 else None,
            longitude=longitude if draw.random() < 0.5 else None,
            caption=" ".join(some(3, 12)) if draw.random() < 0.4 else None,
            keywords=tuple(some(1, 4)) if draw.random() < 0.5 else (),
            tags={"a@1": dict.fromkeys(draw.sample(TAGS, 1), 0.6)},
        )


def questions(photos: int) -> dict[str, list[str]]:
    """Return what is asked, by its kind."""
    draw = random.Random(8)
    words = made_words(random.Random(7), 20_000)

    def word() -> str:
        return words[int(len(words) ** draw.random()) - 1]

    def misspelled() -> str:
        long = next(one for one in iter(word, "") if len(one) >= 6)
        return long[:3] + "q" + long[4:]

    kinds: dict[str, Callable[[], str]] = {
        "a word": word,
        "two words": lambda: f"{word()} {word()}",
        "a word as it is typed": lambda: word()[:3],
        "a word and a year": lambda: f"{word()} {draw.randint(2000, 2024)}",
        "a name of a file": lambda: f"IMG_{draw.randrange(photos):06}",
        "a misspelled word": misspelled,
        "a season": lambda: f"summer {draw.randint(2000, 2024)}",
        "a tag, a place, a time": lambda: (
            f"tag:vehicle place:{draw.choice(CITIES)[2].split()[0]} may"
        ),
        "what nearly all photos have": lambda: "img",
    }
    return {kind: [make() for _ in range(QUESTIONS)] for kind, make in kinds.items()}


def library(count: int) -> MemoryStore:
    """Return a library of made photos in memory."""
    store = Counted()
    store.put_folder(Folder("/pictures", added=0.0))
    space = store.open_space("a", "1", 2)
    batch = list(made_photos(count))
    embedding = np.ones(2, np.float32)
    for start in range(0, count, 20_000):
        some = batch[start : start + 20_000]
        store.commit(some, space.id, {photo.content: embedding for photo in some})
    return store


def names_of(coordinates: list[tuple[float, float]]) -> list[tuple[str, ...]]:
    """Return the names of places without GeoNames, which takes 2 s to load."""
    known = {(one[0], one[1]): (one[2], one[3]) for one in CITIES}
    return [known.get(one, ()) for one in coordinates]


def bytes_below(folder: Path) -> float:
    """Return the size of a folder's files, in MB."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1e6


def asked(answer: Callable[[str], Any], kinds: dict[str, list[str]]) -> dict[str, list[float]]:
    """Return how long each answer took, in seconds, by the kind of question."""
    taken = {}
    for kind, texts in kinds.items():
        times = []
        for text in texts:
            began = time.process_time()
            answer(text)
            times.append(time.process_time() - began)
        taken[kind] = times
    return taken


def photofind(folder: Path, count: int) -> dict[str, Any]:
    """Measure photofind's text index."""
    store = library(count)
    before = megabytes()
    index = TextIndex(folder / "words.sqlite", names_of)
    began, processor = time.perf_counter(), time.process_time()
    index.update(store)
    built, worked = time.perf_counter() - began, time.process_time() - processor
    began = time.perf_counter()
    photo = Photo("/pictures/new.jpg", content="f" * 32)
    store.commit([photo], "a@1", {photo.content: np.ones(2, np.float32)})
    index.update(store)
    one_more = time.perf_counter() - began
    search(index, store, "warm up", Limits())
    limits = {True: Limits(limit=120, as_typed=True), False: Limits(limit=120)}
    kinds = questions(count)
    times = {
        kind: asked(
            lambda text, kind=kind: search(index, store, text, limits[kind.endswith("typed")]),  # type: ignore[misc]
            {kind: texts},
        )[kind]
        for kind, texts in kinds.items()
    }
    memory = megabytes() - before
    index.close()
    return {
        "built": built, "processor": worked, "one more": one_more, "size": bytes_below(folder),
        "memory": memory, "times": times,
    }  # fmt: skip


def texts_of(count: int) -> Iterator[tuple[int, str]]:
    """Yield the same texts as one field."""
    for number, photo in enumerate(made_photos(count), start=1):
        columns = document(photo, "/pictures", ())
        yield number, " ".join(columns.values())


def plain_fts5(folder: Path, count: int) -> dict[str, Any]:
    """Measure SQLite FTS5 as it is."""
    texts = list(texts_of(count))
    before = megabytes()
    began, processor = time.perf_counter(), time.process_time()
    connection = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    for start in range(0, count, text_index.BATCH):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO words(rowid, text) VALUES (?, ?)", texts[start : start + text_index.BATCH]
        )
        connection.execute("COMMIT")
    connection.execute("INSERT INTO words(words) VALUES ('optimize')")
    built, worked = time.perf_counter() - began, time.process_time() - processor
    began = time.perf_counter()
    connection.execute("INSERT INTO words(rowid, text) VALUES (?, 'new jpg')", (count + 1,))
    one_more = time.perf_counter() - began

    def answer(text: str) -> None:
        words = " ".join(f'"{word}"' for word in text.replace(":", " ").replace("_", " ").split())
        connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 120", (words,)
        ).fetchall()

    times = asked(answer, questions(count))
    memory = megabytes() - before
    connection.close()
    return {
        "built": built, "processor": worked, "one more": one_more, "size": bytes_below(folder),
        "memory": memory, "times": times,
    }  # fmt: skip


def tantivy(folder: Path, count: int) -> dict[str, Any] | None:
    """Measure tantivy; None where it is not installed."""
    try:
        import tantivy as engine
    except ImportError:
        return None
    texts = list(texts_of(count))
    before = megabytes()
    builder = engine.SchemaBuilder()
    builder.add_integer_field("id", stored=True)
    builder.add_text_field("text")
    index = engine.Index(builder.build(), path=str(folder))
    began, processor = time.perf_counter(), time.process_time()
    writer = index.writer(100_000_000)
    for number, text in texts:
        writer.add_document(engine.Document(id=number, text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    built, worked = time.perf_counter() - began, time.process_time() - processor
    writer = index.writer(100_000_000)
    began = time.perf_counter()
    writer.add_document(engine.Document(id=count + 1, text="new jpg"))
    writer.commit()
    one_more = time.perf_counter() - began
    searcher = index.searcher()

    def answer(text: str) -> None:
        words = text.replace(":", " ").replace("_", " ").split()
        query = index.parse_query(" ".join(f'+"{word}"' for word in words), ["text"])
        for _, address in searcher.search(query, 120).hits:
            searcher.doc(address)

    times = asked(answer, questions(count))
    return {
        "built": built, "processor": worked, "one more": one_more, "size": bytes_below(folder),
        "memory": megabytes() - before, "times": times,
    }  # fmt: skip


def main(count: int) -> None:
    """Print the figures."""
    found = {}
    for engine in (photofind, plain_fts5, tantivy):
        folder = Path(tempfile.mkdtemp(prefix="words-"))
        try:
            if (figures := in_fresh_process(engine, folder, count)) is not None:
                found[engine.__name__] = figures
        finally:
            shutil.rmtree(folder)
    print_table(
        (f"{count:,} photos", "built, s", "processor, s", "one more, ms", "MB on disk", "MB"),
        [
            (
                name, f"{one['built']:.1f}", f"{one['processor']:.1f}",
                f"{one['one more'] * 1e3:.0f}", f"{one['size']:.0f}", f"{one['memory']:.0f}",
            )
            for name, one in found.items()
        ],
    )  # fmt: skip
    kinds = next(iter(found.values()))["times"]
    print_table(
        ("an answer: median / 99th percentile, ms", *found),
        [(kind, *(_shown(one["times"][kind]) for one in found.values())) for kind in kinds],
    )


def _shown(seconds: list[float]) -> str:
    figures = milliseconds(seconds)
    return f"{figures['p50']:.2f} / {figures['p99']:.1f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS)
