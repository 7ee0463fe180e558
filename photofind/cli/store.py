"""``photofind store``."""

from __future__ import annotations

import shlex

import click

from photofind.cli.output import note, print_json, print_line, show_progress
from photofind.model.counted import counted

__all__ = ["store"]


@click.group(
    epilog="""\b
Example:
  photofind store copy embedded postgres://ada@server/photos"""
)
def store() -> None:
    """Move the library to another store."""


@store.command(
    short_help="Copy a library to another store.",
    epilog="""\b
Examples:
  photofind store copy embedded postgres://ada@server/photos
  photofind store copy milvus://server:19530/photos embedded
  photofind store copy embedded embedded:///media/backup/photofind""",
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy the library in one store to another, without decoding a photo.

    FROM and TO are addresses as in the setting "store": embedded, or that of a server. The library
    in another home is embedded://FOLDER.

    TO has to be empty. After Ctrl-C the same command goes on. In the end both are compared: how
    much they hold, and what they answer. FROM stays as it is, and in use until the setting changes.
    """
    from photofind.app.store_copy import copy_store
    from photofind.library.stores import EMBEDDED
    from photofind.paths import Home

    try:
        with show_progress() as progress:
            copied = copy_store(Home.default(), source, target, progress)
    except KeyboardInterrupt:
        note("what was copied is kept; the same command goes on from there")
        raise
    if as_json:
        print_json(copied)
        return
    answers = copied.answers
    indexes = f" and the index of {', '.join(copied.indexes)}" if copied.indexes else ""
    print_line(
        f"{counted(copied.photos, 'photo is', 'photos are')} in {target}: {copied.copied:,} were "
        f"copied, with {copied.embeddings:,} embeddings{indexes}, in {copied.seconds:,.0f} s"
    )
    print_line(
        f"{answers.same:,} of {answers.queries:,} queries have the same first ten hits there, and "
        f"{answers.same_hits:,} of {answers.hits:,} hits are the same"
    )
    if copied.left_out:
        note(f"the next indexing builds the index of {', '.join(copied.left_out)} anew")
    engine, is_elsewhere, place = target.partition("://")
    if engine == EMBEDDED and is_elsewhere:
        note(f"to use it: set PHOTOFIND_HOME to {place}")
    else:
        note(f"to use it: photofind config set store {shlex.quote(target)}")
