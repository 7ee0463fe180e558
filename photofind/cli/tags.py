"""``photofind tags``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from photofind.model import PhotoDetails, TagCount

__all__ = ["tags"]


@click.command(
    short_help="List all tags, or the photos with given tags.",
    epilog="""\b
Examples:
  photofind tags
  photofind tags dog
  photofind tags dog beach -n 500 --json | jq -r '.[].path'""",
)
@click.argument("words", nargs=-1)
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), metavar="N",
              help="List at most N [default: 100 photos, all tags].")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def tags(words: tuple[str, ...], limit: int | None, as_json: bool) -> None:
    """List the photos that have all of the tags WORDS, most certain first, or list all tags.

    Some extractors name tags for what a photo shows; the keywords that people wrote into photos
    count too. A word matches a tag, or whole words in a tag, in upper or lower case: dog matches
    "hot dog" but not "dogma".
    """
    with connected(start=True) as photofind:
        if words:
            photos = photofind.tagged(words, limit=limit or 100)
        else:
            counts = photofind.tags(limit=limit)
    if as_json:
        print_json(photos if words else counts)
    elif words:
        _print_photos(photos)
    else:
        _print_counts(counts)


def _print_photos(photos: list[PhotoDetails]) -> None:
    print_table(("photo", "tags"), ((photo.path, _tags_of(photo)) for photo in photos))
    if not photos:
        note("no photo has all of these tags")


def _print_counts(counts: list[TagCount]) -> None:
    print_table(
        ("tag", "photos", "named by"),
        (
            (
                count.name,
                f"{count.photos}",
                ", ".join([*count.extractors, *(["keyword"] if count.keyword else [])]),
            )
            for count in counts
        ),
    )
    if not counts:
        note(
            "no photo has a tag or keyword yet; "
            "`photofind extractors info NAME` shows whether an extractor can name tags"
        )


def _tags_of(photo: PhotoDetails) -> str:
    """Return a photo's keywords and its tags with their confidences."""
    named = (f"{tag.name} {tag.confidence:.0%}" for tag in photo.tags)
    return "; ".join([*photo.keywords, *named])
