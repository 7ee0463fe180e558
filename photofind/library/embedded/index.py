"""The index of a space: what makes a search over its vectors fast and good.

It holds the projection fitted on the library, every vector projected and smoothed (the *points*),
each point's neighbours, the library's backgrounds, and where it pays the PyNNDescent graph over
the points. All of it is derived from the vectors: a missing, stale or damaged index is built
again, and searches do without it meanwhile. Rows that came after the build are *fresh*: smoothed by
the points and by one another, and appended beside the index. The graph takes in those that were
appended; the others are scanned.

On disk it is one folder of arrays, swapped in whole by its manifest (docs/develop/storage.md).
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.paths import (
    open_private,
    private_folder,
    remove_file,
    sync_folder,
    write_atomically,
)
from photofind.ranking.calibration import Background
from photofind.ranking.exact import Positions, Similarities, best, nearest_exactly
from photofind.ranking.projection import Projection, Vectors32
from photofind.ranking.smoothing import smooth_new
from photofind.system.disk import explain_disk_errors
from photofind.system.resources import lacks_resources

__all__ = ["CANDIDATES", "Index", "IndexFacts", "read_graph", "remove_index", "write_index"]

# How many candidates a search takes, at the least, to be ranked on the full vectors.
CANDIDATES = 200

FORMAT = 3
MANIFEST = "index.json"
FRESH = "fresh"

Arrays = dict[str, npt.NDArray[Any]]
Digests = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class IndexFacts:
    """What the manifest says of an index.

    Parameters
    ----------
    folder
        The name of the folder that holds the arrays.
    generation
        The generation of the vectors that the rows belong to.
    photos
        How many points there are.
    ranked, plain
        The backgrounds of the ranking's similarity and of the plain cosine.
    graph_points
        The first so many points are in the graph; 0 without a graph.
    recall
        Of the graph, recall@10 against exact search; None without a graph.
    graph
        The graph's plain values; None without a graph.
    built
        When it was built, seconds since the epoch.
    outdated
        Whether it is of an older format. The manifest says that by its ``format``.
    """

    folder: str
    generation: int
    photos: int
    ranked: Background
    plain: Background
    graph_points: int
    recall: float | None
    graph: dict[str, Any] | None
    built: float
    outdated: bool = False


class Index:
    """An index that is open for reading.

    A *position* is the place of a photo in the index: the points first, then the fresh ones.

    Parameters
    ----------
    space
        The folder of the space.
    check_graph
        Whether to check the graph too, which is not opened here.

    Attributes
    ----------
    rows
        The row of the vectors that each position stands for, (n,).
    saved_rows
        Those of the fresh positions that are on disk, (k,); another array whenever they were read.
    repeats
        The positions of points that are nearly the same as another one, ascending.
    contents
        The digest of the content that each position is of, (n,); None in an index of an older
        photofind, which does not say.

    Raises
    ------
    DamagedError
        Where an array is missing or does not match its checksum.
    NewerFormatError
        Where a newer photofind wrote the index.
    """

    def __init__(self, space: Path, *, check_graph: bool = False) -> None:
        self._space = space
        self.facts, arrays = _read(space, check_graph=check_graph)
        self._path = space / self.facts.folder / FRESH
        self.projection = Projection(arrays["mean"], arrays["components"])
        self.neighbours: npt.NDArray[np.int32] = arrays["neighbours"]
        self._points: Vectors32 = arrays["points"]
        self.repeats: Positions = arrays.get("repeats", np.empty(0, np.int64))
        self._order: Positions | None = None  # Of the rows, once it is needed.
        self.contents: Digests | None = arrays.get("contents")
        self.rows: npt.NDArray[np.int64] = arrays["rows"]
        self.saved_rows: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._fresh_points: Vectors32 = self._points[:0]
        self._record = _fresh_record(self.dimension, with_content=self.contents is not None)
        self._read_fresh()

    @staticmethod
    def exists(space: Path) -> bool:
        """Return whether there is an index in the folder of a space, damaged or not."""
        return Index.stamp(space) is not None

    @staticmethod
    def stamp(space: Path) -> int | None:
        """Return a number that changes with each index of a space; None where there is none.

        Raises
        ------
        LibraryError
            It cannot be looked at.
        """
        try:  # Several times with each query.
            return os.stat(os.path.join(space, MANIFEST)).st_mtime_ns  # noqa: PTH116, PTH118
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            with explain_disk_errors(space / MANIFEST):
                raise

    def __len__(self) -> int:
        return len(self._points) + len(self._fresh_points)

    @property
    def dimension(self) -> int:
        """The length of a point."""
        return int(self._points.shape[1])

    @property
    def fresh(self) -> int:
        """How many positions came after the build."""
        return len(self._fresh_points)

    def is_of(self, digests: Digests) -> bool:
        """Return whether the points are of the contents that the rows are of.

        Parameters
        ----------
        digests
            Of the content of each of ``rows``, (n,); 0 where it has none.
        """
        return self.contents is None or not np.any((digests != self.contents) & (digests != 0))

    @property
    def saved(self) -> int:
        """How many fresh positions, the first ones, are on disk; they keep their places."""
        return len(self.saved_rows)

    @property
    def saved_points(self) -> Vectors32:
        """The points of those, (n, d)."""
        return self._fresh_points[: self.saved]

    def is_saved_further(self) -> bool:
        """Return whether other fresh rows are on disk by now than those that were read or saved."""
        return _size(self._path) != self._size

    def read_again(self) -> Index:
        """Return this index with the fresh rows that are on disk by now, and no others."""
        other = copy(self)
        built = other.facts.photos
        other.rows = other.rows[:built]
        if other.contents is not None:
            other.contents = other.contents[:built]
        other._order = None
        other._read_fresh()
        return other

    def positions(self, rows: npt.NDArray[np.int64]) -> Positions:
        """Return the positions of rows (n,) that the index has."""
        order = self._order
        if order is None or len(order) != len(self.rows):
            order = self._order = np.argsort(self.rows)
        return order[np.searchsorted(self.rows, rows, sorter=order)]

    def points(self, positions: Positions) -> Vectors32:
        """Return the points at ``positions``, of any shape (...), as (..., d)."""
        if not self.fresh:
            found: Vectors32 = self._points[positions]
            return found
        old = np.minimum(positions, len(self._points) - 1)
        new = np.maximum(positions - len(self._points), 0)
        is_old = (positions < len(self._points))[..., None]
        return np.where(is_old, self._points[old], self._fresh_points[new])

    def similarities(self, queries: Vectors32) -> Similarities:
        """Return the cosine of each query (m, d) with every position: (m, n)."""
        return _similarities(queries, self._points, self._fresh_points)

    def positions_in_graph(self, numbers: Positions, held: int) -> Positions:
        """Return the positions of numbers of a graph, of any shape; -1 for what is none here.

        A graph counts the points that it was built on first, then fresh ones.

        Parameters
        ----------
        held
            How many points the graph holds.
        """
        built = self.facts.graph_points
        known = built + self._taken_in(held)
        fresh = np.where(numbers < known, numbers - built + self.facts.photos, -1)
        return np.where(numbers < built, numbers, fresh)

    def positions_outside_graph(self, held: int) -> Positions:
        """Return the positions that a graph of ``held`` points does not hold, ascending."""
        photos = self.facts.photos
        repeated = np.arange(self.facts.graph_points, photos)
        return np.concatenate([repeated, np.arange(photos + self._taken_in(held), len(self))])

    def similarities_outside_graph(self, queries: Vectors32, held: int) -> Similarities:
        """Return the cosine of each query (m, d) with the positions outside, (m, n)."""
        repeated = self._points[self.facts.graph_points :]
        return _similarities(queries, repeated, self._fresh_points[self._taken_in(held) :])

    def _taken_in(self, held: int) -> int:
        """Return how many of the fresh positions are in a graph of so many points."""
        return min(max(held - self.facts.graph_points, 0), self.saved)

    def extend(self, rows: npt.NDArray[np.int64], embeddings: Vectors32, digests: Digests) -> None:
        """Take in rows that came after the build; they are smoothed by what there is, and together.

        Parameters
        ----------
        rows, embeddings
            The rows (n,) and their vectors (n, D).
        digests
            Of their contents, (n,).
        """
        if not len(rows):
            return
        pictures, fresh = self._points, self._fresh_points
        if len(self.repeats):
            pictures = np.delete(pictures, self.repeats, axis=0)

        def nearest(points: Vectors32, count: int) -> tuple[Vectors32, Similarities]:
            positions, similarities = nearest_exactly(pictures, points, count)
            others, more = nearest_exactly(fresh, points, count)
            similarities = np.concatenate([similarities, more], axis=1)
            places, similarities = best(similarities, count)
            vectors = np.concatenate([pictures[positions], fresh[others]], axis=1)
            return np.take_along_axis(vectors, places[..., np.newaxis], axis=1), similarities

        smoothed = smooth_new(self.projection.project(embeddings), nearest, len(pictures))
        self._fresh_points = np.concatenate([self._fresh_points, smoothed])
        self.rows = np.concatenate([self.rows, rows])
        if self.contents is not None:
            self.contents = np.concatenate([self.contents, digests])

    def extended(
        self, rows: npt.NDArray[np.int64], embeddings: Vectors32, digests: Digests
    ) -> Index:
        """Return this index with more rows; what others read of this one stays as it is."""
        other = copy(self)
        other.extend(rows, embeddings, digests)
        return other

    def save_fresh(self) -> None:
        """Append what :meth:`extend` took in since the opening, for the next one to open it.

        Only the holder of the library's lock may call this.

        Raises
        ------
        LibraryError
            Where the disk refuses.
        """
        record = self._record
        saved, first = self.saved, len(self._points) + self.saved
        records = np.empty(self.fresh - saved, record)
        records["row"] = self.rows[first:]
        if self.contents is not None:
            records["content"] = self.contents[first:]
        records["point"] = self._fresh_points[saved:]
        records["checksum"] = _fresh_checksums(records)
        path = self._path
        with explain_disk_errors(path), _lock(self._space):
            if _read_manifest(self._space)[0].folder != self.facts.folder:
                return  # Another index was swapped in meanwhile.
            if path.is_dir():
                remove_file(path)  # It is given another name.
            with os.fdopen(open_private(path, os.O_WRONLY | os.O_APPEND), "ab") as file:
                file.truncate(saved * record.itemsize)
                file.write(records.tobytes())
        self.saved_rows = self.rows[len(self._points) :]
        self._size = _size(path)

    def _read_fresh(self) -> None:
        """Take in the fresh rows that are on disk, where there are none yet."""
        self._size = _size(self._path)
        fresh = _whole_records(_read_bytes(self._path), self._record)
        self.saved_rows = fresh["row"].copy()
        self._fresh_points = np.ascontiguousarray(fresh["point"])
        self.rows = np.concatenate([self.rows, fresh["row"]])
        if self.contents is not None:
            self.contents = np.concatenate([self.contents, fresh["content"]])


def _similarities(queries: Vectors32, *parts: Vectors32) -> Similarities:
    """Return the cosine of a few queries (m, d) with points that come in parts: (m, n)."""
    similarities = np.empty((len(queries), sum(map(len, parts))), np.float32)
    for query, row in zip(queries, similarities, strict=True):
        # One by one: for several at once BLAS copies all points first, at ten times the cost.
        np.concatenate([part @ query for part in parts], out=row)
    return similarities


def read_graph(space: Path, folder: str) -> tuple[Vectors32, Arrays, dict[str, Any]]:
    """Return the points that the graph holds, the graph's arrays and its plain values.

    They are mapped: only a process that can be replaced may call this.

    Parameters
    ----------
    space
        The folder of the space.
    folder
        The name of the folder of the index.

    Raises
    ------
    DamagedError
        An array does not match its checksum.
    LibraryError
        That index has no graph, or another one was swapped in.
    """
    facts, checksums = _read_manifest(space)
    if facts.graph is None or facts.folder != folder:
        raise LibraryError(f"the index {folder} in {space} has no graph or was replaced")
    arrays = {
        name: _mapped(space / folder / f"{name}.npy", checksum)
        for name, checksum in checksums.items()
        if name == "points" or name.startswith("graph_")
    }
    graph = {name.removeprefix("graph_"): a for name, a in arrays.items() if "graph_" in name}
    return arrays["points"][: facts.graph_points], graph, facts.graph


def write_index(space: Path, facts: IndexFacts, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write an index and swap it in for the one that was there.

    Until the manifest is replaced the old index stands; a crash leaves one or the other, and
    what it leaves over is removed by the next write. Two processes may write at a time.

    Raises
    ------
    LibraryError
        Where the disk refuses; the old index stands.
    """
    folder = space / facts.folder
    with explain_disk_errors(folder), _lock(space):
        try:
            checksums = _write_arrays(private_folder(folder), arrays)
            written = asdict(facts)
            del written["outdated"]
            manifest = {"format": FORMAT, "facts": written, "checksums": checksums}
            manifest["checksum"] = _manifest_checksum(manifest)
            write_atomically(space / MANIFEST, json.dumps(manifest, indent=1).encode())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for old in space.glob("index-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)  # Windows keeps what a reader has open.


def _write_arrays(folder: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, int]:
    """Write arrays as files in npy format, and return the checksum of each file."""
    checksums = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        array = np.ascontiguousarray(array)
        with os.fdopen(open_private(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            # Not np.save: where the disk is full, its error does not say so.
            header = np.lib.format.header_data_from_array_1_0(array)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(array.data)
        checksums[name] = _checksum(path)
    sync_folder(folder)
    return checksums


def remove_index(space: Path) -> None:
    """Remove the index of a space: it does not fit, or is damaged."""
    remove_file(space / MANIFEST)
    for folder in space.glob("index-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _lock(space: Path) -> AbstractContextManager[object]:
    from filelock import FileLock  # Takes long to import, and readers do without.

    return FileLock(space / "index.lock", mode=0o600)


def _read(space: Path, *, check_graph: bool) -> tuple[IndexFacts, Arrays]:
    """Return what the manifest says and the arrays that belong to it, but for the graph's."""
    facts, checksums = _read_manifest(space)
    arrays = {}
    try:
        for name, checksum in checksums.items():
            path = space / facts.folder / f"{name}.npy"
            if not name.startswith("graph_"):
                arrays[name] = _loaded(path, checksum)
            elif check_graph:
                _verify(path, checksum)
    except DamagedError:
        if _read_manifest(space)[0].folder == facts.folder:
            raise
        # Another index was swapped in meanwhile.
        return _read(space, check_graph=check_graph)
    return facts, arrays


def _read_manifest(space: Path) -> tuple[IndexFacts, dict[str, int]]:
    path = space / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["format"] > FORMAT:
            raise NewerFormatError(f"{path} was written by a newer photofind", "upgrade photofind")
        if manifest["checksum"] != _manifest_checksum(manifest):
            raise ValueError("its checksum does not match")
        facts = manifest["facts"]
        for name in ("ranked", "plain"):
            facts[name] = Background(**facts[name])
        outdated = manifest["format"] < FORMAT
        return IndexFacts(**facts, outdated=outdated), manifest["checksums"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _manifest_checksum(manifest: dict[str, Any]) -> int:
    checked = [manifest["facts"], manifest["checksums"]]
    return zlib.crc32(json.dumps(checked, sort_keys=True).encode())


def _loaded(path: Path, checksum: int) -> npt.NDArray[Any]:
    """Return an array that matches its checksum, read into memory.

    Not mapped: a file that is cut ends the process that has it mapped.
    """
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            size = file.tell()
            file.seek(0)
            found = zlib.crc32(file.read(size))
            array: npt.NDArray[Any] = np.empty(shape, dtype)
            file.readinto(array.data.cast("B"))
            if zlib.crc32(array.data, found) != checksum or file.read(1):
                raise ValueError("its checksum does not match")
            return array
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _mapped(path: Path, checksum: int) -> npt.NDArray[Any]:
    """Return an array that matches its checksum, mapped from its file."""
    _verify(path, checksum)
    try:
        # Copy-on-write: numba compiles anew for arrays that cannot be written to.
        array: npt.NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
        return array.view(np.ndarray)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _verify(path: Path, checksum: int) -> None:
    try:
        if _checksum(path) != checksum:
            raise ValueError("its checksum does not match")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if lacks_resources(error):
            raise _unreadable(path, error) from error
        return b""  # Made again from the vectors: what cannot be read is done without.


def _size(path: Path) -> int:
    """Return how long a file is; 0 where it cannot be read."""
    try:  # With each query.
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _whole_records(data: bytes, record: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the records up to the first torn or damaged one."""
    records = np.frombuffer(data[: len(data) // record.itemsize * record.itemsize], record)
    damaged = np.flatnonzero(records["checksum"] != _fresh_checksums(records))
    return records[: damaged[0]] if len(damaged) else records


def _fresh_record(dimension: int, *, with_content: bool) -> np.dtype[Any]:
    content = [("content", "<u4")] if with_content else []
    return np.dtype([("row", "<i8"), *content, ("point", "<f4", (dimension,)), ("checksum", "<u4")])


def _fresh_checksums(records: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    size = records.dtype.itemsize
    raw = records.view(np.uint8).reshape(len(records), size)[:, : size - 4]
    return np.fromiter(map(zlib.crc32, raw), np.uint32, len(records))


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _unreadable(path: Path, error: Exception) -> LibraryError:
    """Return what an error is that was met while reading a file of an index."""
    reason = getattr(error, "strerror", None) or error
    if lacks_resources(error):
        return LibraryError(f"{path} cannot be read at the moment: {reason}", "try again later")
    return DamagedError(f"{path} is damaged: {reason}", "`photofind index` builds it again")
