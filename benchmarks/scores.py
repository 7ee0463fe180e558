"""What scores mean: how often photos of different classes reach one, and how it moves in growth.

DIR has one folder per class, whose photos are related and no others. Every fifth photo is a query.
Prints for scores of 0.5 and 0.7 one of how many pairs of different classes reaches them (false),
how many of the pairs that do are of one class (precision, in percent), and how many of those of one
class do (found, in percent). With ``--documents`` made pages of text, screenshots of messages and
nearly blank pictures are three classes more, or two with ``--text-is-one``. With ``--growth`` the
photos are added step by step instead, in a random order, and printed is how far the scores of the
first photos with each other move from one index to the next, and which share of them moves by more
than 0.05 (in percent).

    python benchmarks/scores.py [DIR] [--documents COUNT [--text-is-one]] [--growth]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from common import print_figures, print_table, without_graphs
from duplicates import document

from photofind.app.photofind import PhotoFind
from photofind.indexing.index_building import build_index
from photofind.indexing.index_maintenance.fit import INDEX_PAYS, Need, need_of
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.memory import MemoryStore
from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.ranking.projection import Vectors32, normalised
from photofind.search.comparison import compare
from photofind.search.embedding import Embedded

EVERY = 5
FIRST = (1, 10, INDEX_PAYS - 1, INDEX_PAYS)
SHOWN = (*FIRST, 100, 300, 1000)
WATCHED = 60
NO_JUMP = 0.05


def scores(store: Store, space: str, query: str, others: list[str]) -> np.ndarray:
    """Return the scores of contents, (n,), for a photo of the library."""
    like = normalised(store.embeddings(space, [query])[1])
    embedded = Embedded(like, like[:0], frozenset([query]))
    return compare(store, space, embedded).compare(others).scores


def measure_meaning(store: Store, space: str) -> list[list]:
    contents = sorted(content for batch, _ in store.scan(space) for content in batch)
    photos = store.by_content(contents)
    labels = np.array([Path(photos[content][0].path).parent.name for content in contents])
    counts: Counter[tuple[str, float]] = Counter()
    for place in range(0, len(contents), EVERY):
        found = scores(store, space, contents[place], contents)
        related = labels == labels[place]
        counts["strangers", 0] += int((~related).sum())
        counts["relatives", 0] += int(related.sum()) - 1
        for at in (0.5, 0.7):
            counts["strangers", at] += int((found[~related] >= at).sum())
            counts["relatives", at] += int((found[related] >= at).sum()) - 1
    rows = []
    for at in (0.5, 0.7):
        right, wrong = counts["relatives", at], counts["strangers", at]
        false = f"1 in {round(counts['strangers', 0] / max(1, wrong)):,}"
        precision = round(100 * right / max(1, right + wrong), 1)
        rows.append([at, false, precision, round(100 * right / counts["relatives", 0], 1)])
    return rows


def measure_growth(space: str, embeddings: Vectors32) -> list[list]:
    """Add embeddings until an index has to be built, again and again, as the daemon does."""
    store, rows, done, moved = MemoryStore(), [], 0, [0.0]
    store.open_space(*space.split("@"), embeddings.shape[1])
    before, shown = np.empty((0, 0)), [*SHOWN]
    while done < len(embeddings):
        step = next((first for first in FIRST if first > done), done + 1)
        while step > FIRST[-1] and need_of(store.index(space), step) is not Need.BUILD:
            step += 1
        step = min(step, len(embeddings))
        contents = [f"{number:05}" for number in range(step)]
        photos = [Photo(f"/{content}.jpg", content=content) for content in contents[done:]]
        store.commit(photos, space, dict(zip(contents[done:], embeddings[done:step], strict=True)))
        if need_of(store.index(space), step) is Need.BUILD:
            build_index(store, space, graph=False)
        watched = contents[:WATCHED]
        after = np.stack([scores(store, space, content, watched) for content in watched])
        known = len(before)
        moves = np.abs(after[:known, :known] - before)[~np.eye(known, dtype=bool)]
        moved += moves.tolist()
        if shown and (step >= shown[0] or step == len(embeddings)):
            shown = [size for size in shown if size > step]
            others = after[~np.eye(len(after), dtype=bool)]
            mean = round(float(others.mean()), 3) if others.size else None
            far = round(100 * float(np.mean(np.array(moved) > NO_JUMP)), 1)
            rows.append([step, round(max(moved), 3), far, mean])
            moved = [0.0]
        before, done = after, step
    return rows


def make_documents(folder: Path, count: int, *, text_is_one: bool) -> None:
    """Make pages, screenshots and blanks, each in a folder of its own."""
    text = ("text", "text") if text_is_one else ("pages", "screenshots")
    for number in range(count):
        kind = "blanks" if number % 8 == 7 else text[number % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        document(number).save(folder / kind / f"{number:04}.jpg", quality=92)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="photos in one folder per class")
    parser.add_argument("--documents", type=int, default=0, help="make so many, in three classes")
    parser.add_argument("--text-is-one", action="store_true", help="pages and screenshots as one")
    parser.add_argument("--growth", action="store_true", help="add the photos step by step")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, without_graphs():
        home, made = Home(Path(temporary, "home")), Path(temporary, "made")
        made.mkdir()
        make_documents(made, arguments.documents, text_is_one=arguments.text_is_one)
        with PhotoFind(home) as photofind:
            for folder in filter(None, (arguments.folder, made)):
                photofind.add_folder(str(folder.resolve()))
            photofind.index()
        with EmbeddedStore(home) as store:
            (space,) = (space.id for space in store.spaces())
            if arguments.growth:
                embeddings = np.concatenate(
                    [some.astype(np.float32) for _, some in store.scan(space)]
                )
                order = np.random.default_rng(0).permutation(len(embeddings))
                columns = ["photos", "moved at once, at most", "by more than 0.05", "mean score"]
                rows = measure_growth(space, embeddings[order])
            else:
                columns = ["score", "false", "precision", "found"]
                rows = measure_meaning(store, space)
    print_table(columns, rows)
    print_figures("scores", {"rows": [dict(zip(columns, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
