"""The text of a journal: how transactions stand in it (docs/develop/storage.md)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import IO, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

__all__ = [
    "HEADER",
    "VERSION",
    "Operation",
    "Placed",
    "Transaction",
    "is_unfinished",
    "pack",
    "transactions",
]

VERSION = 1
HEADER = re.compile(rb"photofind catalog (\d+) (\d+)\n")
_COMMIT = re.compile(rb"(= \d+ (\d+) )([0-9a-f]{8})\n")

Operation: TypeAlias = tuple[str, int, bytes | None]
"""Table, document id, and raw document; None removes it."""

Placed: TypeAlias = tuple[str, int, bytes | None, int]
"""The same, and where in the journal the raw document begins."""


class Transaction(NamedTuple):
    """A whole transaction in a journal, where it ends, and how much is damaged before it.

    ``checksum`` is the CRC-32 of all bytes up to its end.
    """

    revision: int
    operations: list[Placed]
    end: int
    lost: int
    checksum: int


def pack(operations: Iterable[Operation], revision: int) -> bytes:
    """Return a transaction as it stands in a journal."""
    lines = []
    for table, key, raw in operations:
        name = quote(table, safe="", errors="surrogatepass").encode("ascii")
        lines.append(
            b"- %b %d\n" % (name, key) if raw is None else b"+ %b %d %b\n" % (name, key, raw)
        )
    data = b"".join(lines) + b"= %d %d " % (revision, len(lines))
    return data + b"%08x\n" % zlib.crc32(data)


def _unpack(lines: Iterable[bytes], start: int) -> list[Placed]:
    """Return the operations that `pack` wrote in these lines, the first of which begins there."""
    operations: list[Placed] = []
    for line in lines:
        sign, name, key, *rest = line.split(b" ", 3)
        start += len(line)
        raw = rest[0][:-1] if sign == b"+" else None
        operations.append((_table(name), int(key), raw, start - len(raw or b"") - 1))
    return operations


@lru_cache
def _table(name: bytes) -> str:
    return unquote(name.decode("ascii"), errors="surrogatepass")


def transactions(file: IO[bytes], end: int, checksum: int = 0) -> Iterator[Transaction]:
    """Yield the transactions that verify, from where ``file`` stands, which is at ``end``.

    ``checksum`` is the CRC-32 of the bytes before.
    """
    lines: list[bytes] = []
    for line in file:
        count = _verify(lines, line) if line.startswith(b"=") else None
        if count is None:
            lines.append(line)
            continue
        whole = len(lines) - count
        revision = int(line.split(b" ")[1])
        lost = sum(map(len, lines[:whole]))
        operations = _unpack(lines[whole:], end + lost)
        data = b"".join([*lines, line])
        end, checksum = end + len(data), zlib.crc32(data, checksum)
        yield Transaction(revision, operations, end, lost, checksum)
        lines = []


def _verify(lines: list[bytes], line: bytes) -> int | None:
    """Return how many lines are the transaction that ``line`` ends; None where it ends none."""
    if not (commit := _COMMIT.fullmatch(line)) or (count := int(commit[2])) > len(lines):
        return None
    data = b"".join(lines[len(lines) - count :]) + commit[1]
    return count if zlib.crc32(data) == int(commit[3], 16) else None


def is_unfinished(tail: bytes) -> bool:
    """Tell the beginning of a transaction from one that is damaged."""
    *whole, last = tail.split(b"\n")
    return last[:1] in b"+-=" and all(line[:2] in (b"+ ", b"- ") for line in whole)
