"""Pictures that are asked with and lie in no file: from standard input, from the clipboard."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from photofind.errors import ImageError

__all__ = ["Questions", "asked"]

STANDARD_INPUT = "-"
CLIPBOARD = "clipboard"


class Questions(NamedTuple):
    """The photos of a query.

    Parameters
    ----------
    paths
        Where they lie.
    names
        What those are called that lie in files only for as long as the query takes, by their paths.
    """

    paths: tuple[str, ...]
    names: Mapping[str, str]


@contextmanager
def asked(images: Sequence[str], *, clipboard: bool) -> Iterator[Questions]:
    """Give the photos of a query for the length of a block, read from where they are.

    Parameters
    ----------
    images
        Paths; "-" is what comes from standard input.
    clipboard
        Whether what is in the clipboard is asked with too.

    Raises
    ------
    ImageError
        Nothing comes from standard input.
    DesktopError
        There is no picture in the clipboard, or it cannot be read.
    """
    if STANDARD_INPUT not in images and not clipboard:
        yield Questions(tuple(images), {})
        return
    if images.count(STANDARD_INPUT) > 1:
        raise click.UsageError("- can be given once: standard input is one picture")
    import tempfile

    from photofind.paths import Home, private_folder
    from photofind.system.disk import explain_disk_errors

    home = Home.default()
    # Not in the system's folder: the daemon may run where that is another one.
    with explain_disk_errors(home.cache):
        folder = private_folder(home.cache / "questions")
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        names: dict[str, str] = {}
        paths: list[str] = []
        for image in images:
            if image == STANDARD_INPUT:
                image = str(Path(temporary, "input"))
                names[image] = "standard input"
                with explain_disk_errors(home.cache):
                    Path(image).write_bytes(_standard_input())
            paths.append(image)
        if clipboard:
            from photofind.system.clipboard import read_clipboard

            found = read_clipboard()
            paths += found.paths
            if found.picture:
                image = str(Path(temporary, CLIPBOARD))
                names[image] = "the clipboard"
                with explain_disk_errors(home.cache):
                    Path(image).write_bytes(found.picture)
                paths.append(image)
        with _named_by(names):
            yield Questions(tuple(paths), names)


@contextmanager
def _named_by(names: Mapping[str, str]) -> Iterator[None]:
    """Have errors say the names of pictures instead of the paths of files that are gone soon."""
    try:
        yield
    except ImageError as error:
        message = error.message
        for path, name in names.items():
            message = message.replace(path, name)
        raise ImageError(message, error.hint) from None


def _standard_input() -> bytes:
    from photofind.paths import Home
    from photofind.settings import load_settings

    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("- reads a picture from standard input, which is a terminal")
    most = int(load_settings(Home.default().settings).max_megabytes * 1e6)
    data = sys.stdin.buffer.read(most + 1)
    if not data:
        raise ImageError("standard input is empty", "pipe a picture into it")
    if len(data) > most:
        raise ImageError(
            f"standard input is larger than {most / 1e6:,.0f} MB",
            "the setting max_megabytes is the limit",
        )
    return data
