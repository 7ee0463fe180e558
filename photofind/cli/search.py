"""``photofind search``."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths, print_table, show_progress
from photofind.cli.parameters import AbsoluteFolder, date, query_option

if TYPE_CHECKING:
    from photofind.model import FoundPhoto, SearchAnswer
    from photofind.operations import Operations

__all__ = ["search"]

_PATIENCE = 3.0
"""Seconds that the daemon is given to take in what changed just now."""


@click.command(
    short_help="Find photos by names, captions, tags, dates, places.",
    epilog="""\b
Examples:
  photofind search red bus London 2019
  photofind search '"red bus" -night last summer'
  photofind search camera:nikon type:raw after:2019
  photofind search tag:dog place:Berlin in:Holidays
  photofind search 'beach*' --paths-only -0 | xargs -0 cp -t ~/Desktop/beach""",
)
@click.argument("words", nargs=-1, required=True)
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=100, metavar="N",
              show_default=True, help="How many photos.")  # fmt: skip
@query_option("folder", type=AbsoluteFolder(), metavar="FOLDER", help="Only in this folder.")
@query_option("since", type=date, metavar="DATE",
              help="Only photos from then on: 2021, 2021-05, 2021-05-03 ...")  # fmt: skip
@query_option("until", type=date, metavar="DATE", help="Only photos up to and including then.")
@query_option("tags", multiple=True, metavar="WORD",
              help="Only photos with this tag or keyword; may be repeated.")  # fmt: skip
@click.option("--any", "any_word", is_flag=True, help="One of the words is enough.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--paths-only", is_flag=True, help="Print the paths of the photos, a line each.")
@click.option("-0", "--null", is_flag=True, help="With --paths-only: end paths by a null byte.")
def search(
    words: tuple[str, ...], as_json: bool, paths_only: bool, null: bool, **limits: Any
) -> None:
    """Find photos by WORDS: in names of files and folders, captions, keywords, tags, dates, places.

    A photo has to have all of them. Words in quotes stand side by side; -word is not wanted; word*
    is how one begins. camera: tag: place: in: name: caption: and type: look in one thing alone;
    date: after: before: since: and until: take a time, such as 2019-07 or "last summer". Put --
    before WORDS that begin with a minus.

    Where an extractor embeds texts too, as CLIP does, photos are found by what they show besides;
    words in quotes and with fields have to be written all the same.

    The exit code is 1 if nothing is found.
    """
    if null and not paths_only:
        raise click.UsageError("-0 goes with --paths-only")
    if as_json and paths_only:
        raise click.UsageError("--json and --paths-only exclude each other")
    with connected(start=True) as photofind:
        answer = _answer(photofind, " ".join(map(_as_typed, words)), limits)
    if as_json:
        print_json(answer)
    elif paths_only:
        print_paths((hit.path for hit in answer.hits), null=null)
    else:
        _print(answer)
    _say(answer, any_word=limits["any_word"])
    if not answer.hits:
        sys.exit(1)


def _as_typed(word: str) -> str:
    """Return an argument as it would be typed into one line: a path with spaces in quotes."""
    if " " in word and os.path.isabs(word) and '"' not in word:  # noqa: PTH117
        return f'"{word}"'
    return word


def _answer(photofind: Operations, words: str, limits: dict[str, Any]) -> SearchAnswer:
    with show_progress() as progress:
        began = time.monotonic()
        while True:
            answer = photofind.search(words, progress=progress, **limits)
            if answer.is_current or time.monotonic() - began > _PATIENCE:
                return answer
            time.sleep(0.1)


def _print(answer: SearchAnswer) -> None:
    print_table(
        ("photo", "found by", ""),
        ((hit.path, _found_by(hit), "offline" if hit.offline else "") for hit in answer.hits),
    )


def _found_by(hit: FoundPhoto) -> str:
    parts = [*hit.found_by]
    if hit.shows is not None:
        parts[-1] += f" {hit.shows:.0%}"
    return ", ".join(parts)


def _say(answer: SearchAnswer, *, any_word: bool) -> None:
    """Print what else is to be known of an answer."""
    for line in answer.notes:
        note(line)
    for one in answer.corrections:
        note(f"no photo has {one.typed!r}; searched for {' or '.join(one.taken)}")
    if not answer.is_current:
        note("the text index is not up to date yet; more may be found in a moment")
    if answer.total > len(answer.hits):
        note(f"{len(answer.hits):,} of {answer.total:,} photos; -n shows more")
    if answer.hits:
        return
    if not answer.photos and answer.is_current:
        note("no photo is indexed yet; `photofind status` says how far that is")
    elif any_word or len(answer.words.split()) < 2:
        note(f"none of {answer.photos:,} photos has these words")
    else:
        note(f"none of {answer.photos:,} photos has all of these words; --any needs one of them")
