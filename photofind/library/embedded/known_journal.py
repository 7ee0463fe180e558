"""What was read of a journal, and whether the file at its path still is that one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from photofind.errors import DamagedError
from photofind.library.embedded.journal_format import HEADER, transactions
from photofind.library.embedded.stable_file import StableFile, open_stable
from photofind.paths import write_atomically

__all__ = ["KnownJournal"]

# A journal is still the one that was read if it has so many bytes at its end, a checksum included.
_ENDING = 64
_COPIED = 2**20  # Bytes that are copied at a time.


class KnownJournal:
    """A journal as far as it was read.

    Parameters
    ----------
    path
        Where it is; others may remove, cut or replace it.
    file
        The journal, open; None where there was none.
    header
        Its first line; nothing if that is none of a journal.
    end
        Where the last transaction ends that was read.
    checksum
        The CRC-32 of all that was read; None where not all of it was whole.
    """

    def __init__(
        self,
        path: Path,
        file: StableFile | None = None,
        header: bytes = b"",
        end: int = 0,
        checksum: int | None = None,
    ) -> None:
        self._path = path
        self.file = file
        self.header = header
        self.grow(end, checksum)

    def grow(self, end: int, checksum: int | None) -> None:
        """Take note that it was read up to here, with this CRC-32 of all that was read."""
        self.end = end
        self.checksum = checksum
        self._ending = self._before(end)

    @property
    def is_in_place(self) -> bool:
        """Whether it is the one at its path, as it was or longer."""
        return self.file is not None and self.file.is_at(self._path) and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether it holds what was read from it, wherever it is now."""
        return (
            self.file is not None
            and self.file.read_some(0, len(self.header)) == self.header
            and self._before(self.end) == self._ending
        )

    @property
    def is_lost(self) -> bool:
        """Whether there is nothing at its path that could be read in its place."""
        try:
            stream = open_stable(self._path).stream(0)
        except FileNotFoundError:
            return True
        header = HEADER.fullmatch(stream.readline())
        return header is None or next(transactions(stream, 0), None) is None

    def check(self) -> None:
        """Read it again: what was damaged since must not be written anew as if whole.

        Raises
        ------
        DamagedError
            It was damaged.
        """
        assert self.file is not None
        end = len(self.header)
        for transaction in transactions(self.file.stream(end), end):
            if transaction.lost or end == self.end:
                break
            end = transaction.end
        if end != self.end:
            raise DamagedError(
                f"{self._path} was damaged while it was in use",
                "start photofind again: it keeps what is whole",
            )

    def keep_copy(self) -> Path:
        """Copy the file at its path, damaged as it is."""
        copy = self._damaged_path()
        with self._path.open("rb") as file:
            write_atomically(copy, iter(partial(file.read, _COPIED), b""))
        return copy

    def set_aside(self) -> None:
        """Give what is at its path another name."""
        if self._path.exists():
            self._path.replace(self._damaged_path())

    def _before(self, end: int) -> bytes:
        """Return what stands just before a place; nothing if the file ends before."""
        if self.file is None:
            return b""
        size = min(end, _ENDING)
        data = self.file.read_some(end - size, size)
        return data if len(data) == size else b""

    def _damaged_path(self) -> Path:
        stamp = datetime.now().strftime("%Y%m%dT%H%M%S")
        return self._path.with_name(f"{self._path.name}.damaged-{stamp}")
