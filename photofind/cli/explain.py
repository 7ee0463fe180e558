"""``photofind explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_line, print_table
from photofind.cli.parameters import AbsolutePath, ImagePath
from photofind.cli.query_options import query_options

if TYPE_CHECKING:
    from photofind.model import Explanation
    from photofind.operations import Operations

__all__ = ["explain"]


@click.command(
    epilog="""\b
Examples:
  photofind explain beach.jpg ~/Pictures/2021/boat.jpg
  photofind explain beach.jpg ~/Pictures/2021/boat.jpg -o why.png
  photofind explain beach.jpg ~/Pictures/2021/boat.jpg --words boat
  photofind explain beach.jpg ~/Pictures/2021/boat.jpg --json | jq .parts"""
)
@click.argument("query", type=ImagePath())
@click.argument("hit", type=ImagePath())
@click.option("-o", "--output", type=AbsolutePath(), metavar="FILE.png",
              help="Write a picture of both photos with the regions that carry their "
              "likeness.")  # fmt: skip
@query_options("extractor", "words", "words_weight")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    query: str,
    hit: str,
    output: str | None,
    extractor: str | None,
    words: str | None,
    words_weight: float | None,
    as_json: bool,
) -> None:
    """Explain why HIT is like QUERY.

    HIT is a photo of the library, QUERY one in it or anywhere else. It says which regions of the
    two carry their likeness, what each extractor adds to it, and what else they have in common:
    tags, time, place, camera, and photos that both resemble.
    """
    if output is not None:
        _check_output(output)
    with connected(start=True) as photofind:
        explanation = photofind.explain(
            query, hit, extractor=extractor, words=words, words_weight=words_weight
        )
        if output is not None:
            _draw(photofind, explanation, Path(output))
    if as_json:
        print_json(explanation)
    else:
        _print(explanation)


def _check_output(output: str) -> None:
    """Refuse what cannot be written, and what would be lost: an own picture alone is replaced."""
    from photofind.errors import LibraryError
    from photofind.learning.explanation.overlays import is_overlay

    if not output.lower().endswith(".png"):
        raise click.UsageError("-o takes the name of a PNG file: one that ends with .png")
    path = Path(output)
    if path.exists() and not is_overlay(path):
        raise LibraryError(f"{output} is there already", "choose another name for the picture")
    if not path.parent.is_dir():
        raise LibraryError(f"there is no folder {path.parent}", "make it first")


def _draw(photofind: Operations, explanation: Explanation, output: Path) -> None:
    from photofind.learning.explanation.overlays import SIDE, write_overlays

    pictures = [
        photofind.thumbnail_of(photo.path, SIDE)
        if photo.id is None
        else photofind.thumbnail(photo.id, SIDE)
        for photo in (explanation.query, explanation.hit)
    ]
    write_overlays(output, pictures[0], pictures[1], explanation)
    note(f"the picture is {output}")


def _print(explanation: Explanation) -> None:
    print_line(explanation.sentence)
    note(*explanation.notes)
    note(*(f"{part.extractor}: {part.note}" for part in explanation.parts if part.note))
    print_table(
        ("extractor", "score", "similarity", "adds", "query", "hit"),
        (
            (
                part.extractor,
                f"{part.score:.2f}",
                f"{part.similarity:.3f}",
                f"{part.contribution:.3f}",
                *(
                    f"{cells.share:.0%} in a quarter" if cells else "no regions"
                    for cells in (part.query, part.hit)
                ),
            )
            for part in explanation.parts
        ),
    )
