"""The entries of a TOML file, each read and changed by itself.

So a line that is no TOML takes nothing with it but itself, and a change leaves everything else as
it is: comments, order, and what cannot be read. Tables are entries like others.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from photofind.system.terminal import shown

__all__ = ["Entry", "read_entries", "with_value", "written"]

Value = bool | int | float | str | list[str]

_BEGINS = re.compile(
    r"""\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*[\w"'-]+)*\s*="""  # A name and its value,
    r"""|\s*\[\[?[\w\s."'-]+\]\]?\s*(?:\#.*)?$"""  # or the name of a table.
)
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Entry:
    """One entry of a file.

    Parameters
    ----------
    line
        The number of its first line, from 1 on.
    text
        Its lines. Those without an entry, between others, are one whose ``values`` are empty.
    values
        What it sets, by name; nothing if it cannot be read.
    fault
        Why it cannot be read; None if it can.
    """

    line: int
    text: str
    values: dict[str, Any]
    fault: str | None = None

    def as_comment(self) -> Entry:
        """Return it as a comment."""
        lines = self.text.rstrip("\r\n").splitlines()
        # A comment may not hold everything either.
        return Entry(self.line, "".join(f"# {shown(line)}\n" for line in lines), {})


def read_entries(data: bytes) -> list[Entry]:
    """Return the entries of a file in their order; their texts make up the file."""
    # Bytes that are not UTF-8 are kept, so that the rest can be changed.
    text = data.decode("utf-8", "surrogateescape").removeprefix(_BYTE_ORDER_MARK)
    parts: list[list[str]] = []
    for line in io.StringIO(text, newline="\n"):
        if not parts or _BEGINS.match(line):
            parts.append([])
        parts[-1].append(line)
    entries: list[Entry] = []
    number = 1
    for lines in parts:
        end = next((n for n in range(len(lines), 0, -1) if not _is_comment(lines[n - 1])), 0)
        if end > 1 and _read(number, "".join(lines[:end])).fault is not None:
            # What follows an entry that is whole does not make it one that cannot be read.
            end = 1 if _read(number, lines[0]).fault is None else end
        for some in filter(None, (lines[:end], lines[end:])):
            entries.append(_read(number, "".join(some)))
            number += len(some)
    return entries


def with_value(
    entry: Entry | None, name: str, value: bool | int | float | str | list[str]
) -> Entry:
    """Return an entry that gives a name another value and keeps its comment.

    Parameters
    ----------
    entry
        The one that names it so far; None if there is none.
    """
    import tomlkit

    document = tomlkit.document() if entry is None else tomlkit.parse(entry.text)
    document[name] = value
    text = document.as_string()
    return Entry(entry.line if entry else 0, text, {name: value})


def written(entries: Iterable[Entry]) -> bytes:
    """Return the file that entries make up."""
    lines = (text if text.endswith("\n") else f"{text}\n" for text in (e.text for e in entries))
    return "".join(lines).encode("utf-8", "surrogateescape")


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _read(line: int, text: str) -> Entry:
    try:
        text.encode()
        return Entry(line, text, tomllib.loads(text))
    except UnicodeEncodeError:
        return Entry(line, text, {}, "not all of it is UTF-8")
    except RecursionError:
        return Entry(line, text, {}, "it has too many brackets")
    except tomllib.TOMLDecodeError as error:
        # Where in the entry is left out: the line of the file is told.
        return Entry(line, text, {}, str(error).partition(" (at ")[0])
    except ValueError:  # What Python says speaks of its own settings.
        return Entry(line, text, {}, "a number in it has too many digits")
