"""What was known of a journal at some point, kept so that opening it goes on from there.

It is a cache: the journal is the truth. A checkpoint counts if it is whole, and if the journal
begins with the very bytes that it was made of; otherwise the journal is read from its beginning.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.library.embedded.documents import WrittenDocuments
from photofind.library.embedded.stable_file import StableFile
from photofind.paths import write_atomically

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

FORMAT = 1
# So many bytes of a journal are read at a time.
_PIECE = 1 << 20
_PLACES = ("ids", "starts", "ends")

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What was known of the first bytes of a journal.

    Parameters
    ----------
    end, checksum
        How many bytes, and their CRC-32.
    revision
        That of the last transaction in them.
    facts, arrays
        What whoever follows the journal made of its documents.
    tables
        Where the documents of each table begin and end: ids, starts and ends, by table.
    """

    end: int
    checksum: int
    revision: int
    facts: Mapping[str, Any]
    arrays: Arrays
    tables: Mapping[str, tuple[npt.NDArray[np.int64], ...]]

    def fits(self, journal: StableFile) -> bool:
        """Read as much of a journal, and return whether it is what this was made of."""
        checksum, stream = 0, journal.stream(0)
        for start in range(0, self.end, _PIECE):
            piece = stream.read(min(_PIECE, self.end - start))
            checksum = zlib.crc32(piece, checksum)
        return journal.size >= self.end and checksum == self.checksum

    def documents(self, journal: StableFile) -> dict[str, WrittenDocuments]:
        """Return the documents of a journal that this fits, by table."""
        return {name: WrittenDocuments.at(journal, *places) for name, places in self.tables.items()}


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none that is whole and of this format."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            if about["format"] != FORMAT:
                return None
            arrays = {name: archive[name] for name in archive.files if name != "about"}
        tables = {
            name: tuple(arrays.pop(f"table_{place}_{part}") for part in _PLACES)
            for place, name in enumerate(about["tables"])
        }
        return Checkpoint(
            about["end"], about["checksum"], about["revision"], about["facts"], arrays, tables
        )
    except Exception:  # noqa: BLE001 - Whatever is wrong with it: the journal has everything.
        return None


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in the place of the one that is there.

    Raises
    ------
    OSError
        The disk refused; the old one stands.
    """
    about = {
        "format": FORMAT,
        "end": checkpoint.end,
        "checksum": checkpoint.checksum,
        "revision": checkpoint.revision,
        "facts": checkpoint.facts,
        "tables": [*checkpoint.tables],
    }
    places = {
        f"table_{place}_{part}": numbers
        for place, table in enumerate(checkpoint.tables.values())
        for part, numbers in zip(_PLACES, table, strict=True)
    }
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps(about).encode("ascii"), np.uint8),
        **checkpoint.arrays,
        **places,
    }
    data = BytesIO()
    np.savez(data, **arrays)
    write_atomically(path, data.getvalue())
