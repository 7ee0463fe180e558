"""The files of an index: a folder of arrays with checksums, and the manifest that swaps it in.

docs/develop/storage.md documents them.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from photofind.errors import DamagedError, LibraryError, NewerFormatError
from photofind.library.embedded.stable_file import open_stable
from photofind.paths import (
    open_private,
    private_folder,
    remove_file,
    sync_folder,
    write_atomically,
)
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Vectors32
from photofind.system.disk import explain_disk_errors
from photofind.system.resources import lacks_resources

__all__ = [
    "MANIFEST",
    "Arrays",
    "IndexFacts",
    "LargeArray",
    "index_lock",
    "read_facts",
    "read_graph",
    "read_index",
    "remove_index",
    "unreadable",
    "write_index",
]

FORMAT = 4
MANIFEST = "index.json"

# So many bytes are read at a time where a file is gone through.
_BLOCK = 1 << 20
_LONGEST_HEADER = 1 << 17
_LARGE = ("points", "neighbours")
# So few places of one of these are read alone.
_FEW = 16
_MISMATCH = "its checksum does not match"

Arrays = dict[str, npt.NDArray[Any]]
LargeArrays: TypeAlias = "dict[str, LargeArray]"


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


class LargeArray:
    """An array of an index that is read when it is first asked for: it may take most of the memory.

    Its file stays open: another index that is swapped in takes nothing away. Threads may share it.

    Parameters
    ----------
    path
        Its file, in npy format.
    checksum
        The CRC-32 that the file has to have.

    Attributes
    ----------
    shape
        As of the array, known without reading it.
    is_checked
        Whether its file was found to match its checksum.

    Raises
    ------
    DamagedError
        It is missing or none of an array.
    """

    def __init__(self, path: Path, checksum: int) -> None:
        self._path = path
        self._checksum = checksum
        self._reading = Lock()
        self._array: npt.NDArray[Any] | None = None
        self.is_checked = False
        try:
            self._file = open_stable(path)
            begin = BytesIO(self._file.read_some(0, _LONGEST_HEADER))
            np.lib.format.read_magic(begin)
            self.shape, _, self._dtype = np.lib.format.read_array_header_1_0(begin)
            self._begin = begin.tell()
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error

    def check(self) -> None:
        """See once that its file matches its checksum, which takes no memory.

        Raises
        ------
        DamagedError
            It does not.
        """
        with self._reading:
            if self.is_checked:
                return
            checksum = place = 0
            try:
                while block := self._file.read_some(place, _BLOCK):
                    checksum, place = zlib.crc32(block, checksum), place + len(block)
                if checksum != self._checksum:
                    raise ValueError(_MISMATCH)
            except (OSError, ValueError) as error:
                raise unreadable(self._path, error) from error
            self.is_checked = True

    def at(self, places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return what is at places of any shape (...), as (..., d).

        A few are read alone, where the whole is not in memory; `check` it before.

        Raises
        ------
        DamagedError
            As `read`.
        """
        if self._array is not None or places.size > _FEW:
            return self.read()[places]
        size = self._dtype.itemsize * math.prod(self.shape[1:])
        starts = (self._begin + places.ravel() * size).tolist()
        try:
            data = b"".join(self._file.read_each(starts, size))
            found = np.frombuffer(data, self._dtype)
            return found.reshape(*places.shape, *self.shape[1:])
        except (OSError, ValueError) as error:
            raise unreadable(self._path, error) from error

    def read(self) -> npt.NDArray[Any]:
        """Return the array, in memory from then on.

        Not mapped: a file that is cut ends the process that has it mapped.

        Raises
        ------
        DamagedError
            It does not match its checksum.
        """
        with self._reading:
            if self._array is None:
                try:
                    self._array = self._read()
                except (OSError, ValueError) as error:
                    raise unreadable(self._path, error) from error
                self.is_checked = True
            return self._array

    def _read(self) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.empty(self.shape, self._dtype)
        checksum, place = zlib.crc32(self._file.read_some(0, self._begin)), 0
        data = array.data.cast("B") if array.size else memoryview(bytearray())
        while block := self._file.read_some(self._begin + place, _BLOCK):
            data[place : place + len(block)] = block  # Raises where the file is too long.
            checksum, place = zlib.crc32(block, checksum), place + len(block)
        if checksum != self._checksum:
            raise ValueError(_MISMATCH)
        return array


def read_index(space: Path, *, check: bool) -> tuple[IndexFacts, Arrays, LargeArrays]:
    """Return what the manifest says and the arrays that belong to it, but for the graph's.

    The largest are not read yet.

    Parameters
    ----------
    space
        The folder of the space.
    check
        Whether to check those too, and the graph's.

    Raises
    ------
    DamagedError
        An array is missing or does not match its checksum.
    NewerFormatError
        A newer photofind wrote the index.
    """
    facts, checksums = _read_manifest(space)
    arrays: Arrays = {}
    large: LargeArrays = {}
    try:
        for name, checksum in checksums.items():
            path = space / facts.folder / f"{name}.npy"
            if name in _LARGE:
                large[name] = LargeArray(path, checksum)
                if check:
                    large[name].check()
            elif not name.startswith("graph_"):
                arrays[name] = LargeArray(path, checksum).read()
            elif check:
                _verify(path, checksum)
    except DamagedError:
        if _read_manifest(space)[0].folder == facts.folder:
            raise
        # Another index was swapped in meanwhile.
        return read_index(space, check=check)
    return facts, arrays, large


def read_facts(space: Path) -> IndexFacts:
    """Return what the manifest of the index of a space says.

    Raises
    ------
    DamagedError, NewerFormatError
        As :func:`read_index`.
    """
    return _read_manifest(space)[0]


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
    with explain_disk_errors(folder), index_lock(space):
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


def remove_index(space: Path) -> None:
    """Remove the index of a space: it does not fit, or is damaged."""
    remove_file(space / MANIFEST)
    for folder in space.glob("index-*"):
        shutil.rmtree(folder, ignore_errors=True)


def index_lock(space: Path) -> AbstractContextManager[object]:
    """Return the lock under which the files of an index are written."""
    from filelock import FileLock  # Takes long to import, and readers do without.

    return FileLock(space / "index.lock", mode=0o600)


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


def _read_manifest(space: Path) -> tuple[IndexFacts, dict[str, int]]:
    path = space / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        if manifest["format"] > FORMAT:
            raise NewerFormatError(f"{path} was written by a newer photofind", "upgrade photofind")
        if manifest["checksum"] != _manifest_checksum(manifest):
            raise ValueError(_MISMATCH)
        facts = manifest["facts"]
        for name in ("ranked", "plain"):
            facts[name] = Background(**facts[name])
        outdated = manifest["format"] < FORMAT
        if outdated:  # What a graph is made of is another thing now.
            facts |= {"graph": None, "graph_points": 0, "recall": None}
        return IndexFacts(**facts, outdated=outdated), manifest["checksums"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(path, error) from error


def _manifest_checksum(manifest: dict[str, Any]) -> int:
    checked = [manifest["facts"], manifest["checksums"]]
    return zlib.crc32(json.dumps(checked, sort_keys=True).encode())


def _mapped(path: Path, checksum: int) -> npt.NDArray[Any]:
    """Return an array that matches its checksum, mapped from its file."""
    _verify(path, checksum)
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array.view(np.ndarray)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _verify(path: Path, checksum: int) -> None:
    try:
        if _checksum(path) != checksum:
            raise ValueError(_MISMATCH)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def unreadable(path: Path, error: Exception) -> LibraryError:
    """Return what an error is that was met while reading a file of an index."""
    reason = getattr(error, "strerror", None) or error
    if lacks_resources(error):
        return LibraryError(f"{path} cannot be read at the moment: {reason}", "try again later")
    return DamagedError(f"{path} is damaged: {reason}", "`photofind index` builds it again")
