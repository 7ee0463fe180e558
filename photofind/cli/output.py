"""Output of commands: tables and colour in a terminal, plain lines in a pipe, JSON for scripts.

Results go to stdout; errors, notes and progress go to stderr.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from photofind.model import as_plain
from photofind.system.terminal import shown

if TYPE_CHECKING:
    from rich.table import Table

    from photofind.model import Progress

__all__ = [
    "note",
    "prepare_streams",
    "print_json",
    "print_line",
    "print_live",
    "print_paths",
    "print_table",
    "progress_in_words",
    "show_progress",
]


def prepare_streams() -> None:
    """Make stdout and stderr writable, however photofind was started.

    A closed stream is replaced by the null device; characters outside the encoding are escaped, and
    so is what a terminal would obey in a traceback.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _print_traceback


def note(*lines: str) -> None:
    """Print lines that are not part of the result."""
    for line in lines:
        click.echo(shown(line), err=True)


def print_line(text: str) -> None:
    """Print a line of the result."""
    click.echo(shown(text))


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print a value, which may hold dataclasses, as one JSON document.

    File names that are not UTF-8 hold escaped lone surrogates, as from :func:`os.fsdecode`.
    """
    click.echo(json.dumps(value, indent=indent, default=as_plain))


def print_paths(paths: Iterable[str], *, null: bool = False) -> None:
    """Print the bytes of paths, each followed by a line break or a null byte.

    In a terminal, control characters are escaped instead.
    """
    if sys.stdout.isatty() and not null:
        for path in paths:
            print_line(path)
        return
    end = b"\0" if null else b"\n"
    stream = sys.stdout.buffer
    for path in paths:
        stream.write(os.fsencode(path) + end)
    stream.flush()


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: as a table in a terminal, as tab-separated lines in a pipe.

    Titles are shown only in the table, and only if one of them is not empty.
    """
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(shown(cell) for cell in row))
        return
    from rich.console import Console

    Console(highlight=False).print(_table(titles, rows))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(titles))
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=False)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    return table


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """Show the progress of indexing on stderr while the block runs; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
    )
    from rich.progress import Progress as Bars

    bars = Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        task = bars.add_task("starting", total=None, state="")

        def show(progress: Progress) -> None:
            bars.update(
                task,
                description=escape(shown(progress.phase)),
                completed=progress.done,
                total=progress.total,
                state=_state(progress),
            )

        yield show


def print_live(states: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Show rows of two columns, each state replacing the one before; in a pipe, one by one."""
    if not sys.stdout.isatty():
        for rows in states:
            print_table(("", ""), rows)
            click.echo()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        for rows in states:
            live.update(_table(("", ""), rows), refresh=True)


def progress_in_words(progress: Progress) -> str:
    """Return the phase and the progress as text."""
    return ": ".join(filter(None, [progress.phase, _state(progress)]))


def _state(progress: Progress) -> str:
    """Return the progress, the rate and the time left as text, as far as known."""
    parts = []
    if progress.done or progress.total:
        parts.append(f"{progress.done:,}" + (f"/{progress.total:,}" if progress.total else ""))
    if progress.rate and progress.seconds_left:
        parts.append(f"{progress.rate:.0f}/s")
    if progress.seconds_left:
        parts.append(f"{timedelta(seconds=ceil(progress.seconds_left))} left")
    return ", ".join(parts)


def _print_traceback(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    import traceback as formatting

    for part in formatting.format_exception(kind, error, traceback):
        note(*part.rstrip("\n").split("\n"))
