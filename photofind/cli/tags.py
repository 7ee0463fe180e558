"""``photofind tags``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from photofind.model import PhotoDetails, TagCount, Tagging

__all__ = ["tags"]


@click.command(
    short_help="List all tags, or photos with given tags; say which are right.",
    epilog="""\b
Examples:
  photofind tags
  photofind tags dog
  photofind tags dog beach -n 500 --json | jq -r '.[].path'
  photofind tags park.jpg --add "Rex" --remove wolf
  photofind tags *.jpg --add holiday --write-sidecar""",
)
@click.argument("words", nargs=-1, metavar="[WORDS|PHOTOS]...")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), metavar="N",
              help="List at most N [default: 100 photos, all tags].")  # fmt: skip
@click.option("--add", "added", multiple=True, metavar="TAG",
              help="Say that PHOTOS show this; repeatable.")  # fmt: skip
@click.option("--remove", "removed", multiple=True, metavar="TAG",
              help="Say that PHOTOS do not show this; repeatable.")  # fmt: skip
@click.option("--forget", "forgotten", multiple=True, metavar="TAG",
              help="Take back what was said of a tag; repeatable.")  # fmt: skip
@click.option("--write-sidecar", is_flag=True,
              help="Write what was said into XMP files beside PHOTOS too.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tags(
    words: tuple[str, ...],
    limit: int | None,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    forgotten: tuple[str, ...],
    write_sidecar: bool,
    as_json: bool,
) -> None:
    """List the photos that have all of the tags WORDS, most certain first, or list all tags.

    Some extractors name tags for what a photo shows; the keywords that people wrote into photos
    count too. A word finds what lies below it: dog finds a beagle. A keyword is found by whole
    words, in upper or lower case: dog finds "red dog" but not "dogma".

    With --add, --remove, --forget or --write-sidecar, PHOTOS are named, and what is said of their
    tags is kept, wherever the files are moved. The photos themselves are never changed.
    """
    if added or removed or forgotten or write_sidecar:
        if not words:
            raise click.UsageError("name the PHOTOS whose tags are meant")
        if limit is not None:
            raise click.UsageError("--limit is for lists of tags and photos")
        _judge(words, added, removed, forgotten, write_sidecar=write_sidecar, as_json=as_json)
        return
    with connected(start=True) as photofind:
        if words:
            photos = photofind.tagged(words, limit=limit or 100)
            for line in photofind.tag_notes(words):
                note(line)
        else:
            counts = photofind.tags(limit=limit)
    if as_json:
        print_json(photos if words else counts)
    elif words:
        _print_photos(photos)
    else:
        _print_counts(counts)


def _judge(
    photos: tuple[str, ...],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    forgotten: tuple[str, ...],
    *,
    write_sidecar: bool,
    as_json: bool,
) -> None:
    from photofind.cli.parameters import AbsolutePath

    paths = [AbsolutePath().convert(photo, None, None) for photo in photos]
    with connected(start=True) as photofind:
        ids = [photofind.photo(path).id for path in paths]
        tagging = photofind.judge_tags(
            ids, add=added, remove=removed, forget=forgotten, write_sidecar=write_sidecar
        )
    if as_json:
        print_json(tagging)
    else:
        _print_tagging(tagging)
    if tagging.failures:
        raise click.exceptions.Exit(1)


def _print_tagging(tagging: Tagging) -> None:
    print_table(
        ("photo", "tags", "not"),
        ((one.path, _tags_of(one), "; ".join(one.rejected)) for one in tagging.photos),
    )
    for path in tagging.sidecars:
        note(f"written into {path}")
    for failure in tagging.failures:
        note(f"{failure.path}: {failure.reason}")


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
    named = (
        tag.name if tag.confirmed else f"{tag.name} {tag.confidence:.0%}" for tag in photo.tags
    )
    return "; ".join([*photo.keywords, *named])
