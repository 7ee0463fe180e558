"""Common code of the benchmarks: fresh processes, memory, percentiles and tables."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from photofind.images.formats import is_photo

__all__ = [
    "in_fresh_process",
    "megabytes",
    "megabytes_of_children",
    "milliseconds",
    "photos_below",
    "print_figures",
    "print_table",
    "without_graphs",
]


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, so that earlier work does not affect its figures."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def megabytes() -> float:
    """Return the memory of this process in MB; see `megabytes_of_children`."""
    return _megabytes([psutil.Process()])


def megabytes_of_children() -> float:
    """Return the memory of the child processes of this process, in MB.

    Pages of mapped files are not counted if the system reports them separately: they belong to its
    cache and can be reclaimed.
    """
    return _megabytes(psutil.Process().children())


def _megabytes(processes: Sequence[psutil.Process]) -> float:
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return round(total / 1e6, 1)


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile of durations, in milliseconds."""
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e3
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def photos_below(folder: Path) -> list[Path]:
    """Return the photos in a folder and its subfolders."""
    return sorted(path for path in folder.resolve().rglob("*") if is_photo(path.name))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; all columns but the first are right-aligned."""
    table = Table()
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)


def print_figures(benchmark: str, figures: dict[str, Any]) -> None:
    """Print the figures as one line of JSON, with the number of processors."""
    processors = psutil.cpu_count()
    print(json.dumps({"benchmark": benchmark, "processors": processors, **figures}))


def without_graphs() -> AbstractContextManager[Any]:
    """Disable building graphs in the background, which would affect the figures."""
    return mock.patch("photofind.app.indexing.build_in_background")
