"""``photofind similar``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_paths, print_table
from photofind.cli.parameters import ImagePath
from photofind.cli.query_options import query_options
from photofind.cli.questions import Questions, asked
from photofind.model.counted import counted
from photofind.query_fields import QUERY_FIELDS

if TYPE_CHECKING:
    from photofind.model import Answer, Query
    from photofind.operations import Operations

__all__ = ["answer_object", "index_folder_of", "print_hits", "similar"]


@click.command(
    epilog="""\b
Examples:
  photofind similar beach.jpg
  photofind similar beach.jpg boat.jpg --not crowd.jpg
  photofind similar beach.jpg --in ~/Pictures/2021 -n 50
  photofind similar beach.jpg --tag dog --tag surfboard
  photofind similar beach.jpg --words "red boat"
  photofind similar beach.jpg --box 0.5,0.2,0.3,0.4
  photofind similar crop.jpg --originals
  photofind similar beach.jpg --open
  photofind similar beach.jpg --preview
  curl -s https://example.org/beach.jpg | photofind similar -
  photofind similar --clipboard
  photofind similar --each *.jpg -n 5 > answers.jsonl
  photofind similar beach.jpg --paths-only -0 | xargs -0 cp -t ~/Desktop/beach"""
)
@click.argument("images", nargs=-1, type=ImagePath())
@query_options(
    "unlike", "limit", "min_score", "folder", "since", "until", "tags", "extractor", "plain",
    "every", "box", "any_rotation", "originals", "words", "words_weight", "feedback",
)  # fmt: skip
@click.option("--clipboard", is_flag=True,
              help="Ask with the picture, or the photos, in the clipboard.")  # fmt: skip
@click.option("--each", is_flag=True,
              help="Ask with each of IMAGES by itself; print a JSON object a line.")  # fmt: skip
@click.option("--preview/--no-preview", default=None,
              help="Show pictures, in a terminal (setting: preview).")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Show them on a page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--paths-only", is_flag=True, help="Print the paths of the hits, a line each.")
@click.option("-0", "--null", is_flag=True, help="With --paths-only: end paths by a null byte.")
@click.option("--uris", is_flag=True, is_eager=True, hidden=True,
              help="IMAGES are URIs; for file managers.")  # fmt: skip
@click.option("--gather", is_flag=True, hidden=True,
              help="Several of these at once make one query; for file managers.")  # fmt: skip
def similar(
    images: tuple[str, ...],
    clipboard: bool,
    each: bool,
    preview: bool | None,
    opens: bool,
    as_json: bool,
    paths_only: bool,
    null: bool,
    uris: bool,
    gather: bool,
    **fields: Any,
) -> None:
    """Show the photos most like IMAGES.

    IMAGES may be in the library or anywhere else; - is a picture from standard input. Several make
    one query: photos like all of them. Fewer than 1 of 1,000 unrelated photos reach a score of 0.5;
    1 is the same picture.
    """
    if null and not paths_only:
        raise click.UsageError("-0 goes with --paths-only")
    if opens + as_json + paths_only + each > 1:
        raise click.UsageError("--open, --json, --paths-only and --each exclude each other")
    if not images and not fields["words"] and not clipboard:
        raise click.UsageError("Missing argument 'IMAGES...'.")
    if opens and (clipboard or "-" in images):
        raise click.UsageError("--open shows photos that lie in files")
    if opens and any(fields[one.name] for one in QUERY_FIELDS.values() if one.url is None):
        raise click.UsageError("-n, --plain and --all do not go with --open")
    if opens and not images:
        raise click.UsageError("--open takes --words beside IMAGES alone")
    from photofind.model import Query

    if opens:
        _open(Query(images, **fields), gather=gather)
        return
    with asked(images, clipboard=clipboard) as questions, connected(start=True) as photofind:
        query = Query(questions.paths, **fields)
        index_folder_of(query, photofind)
        if each:
            from photofind.cli.each import answer_each

            answer_each(photofind, query, questions)
            return
        answer = photofind.similar(query)
        if preview is not False and sys.stdout.isatty() and not (as_json or paths_only):
            _print_pictures(photofind, questions, answer, preview)
    if as_json:
        print_json(answer_object(answer, questions.names))
    elif paths_only:
        print_paths((hit.path for hit in answer.hits), null=null)
    else:
        print_hits(answer)


def index_folder_of(query: Query, photofind: Operations) -> None:
    """Index the folder that a query is limited to, if it is new."""
    if query.folder is None or photofind.covers(query.folder):
        return
    _check_presence(query)  # Before, not after, a long indexing.
    photofind.add_folder(query.folder)
    note(f"{query.folder} is new and is indexed first; `photofind folders` lists it from now on")
    from photofind.cli.index import index_with_progress

    index_with_progress(photofind, [query.folder])


def _print_pictures(
    photofind: Operations, questions: Questions, answer: Answer, preview: bool | None
) -> None:
    """Print the photos of the query and the hits, if they are wanted."""
    from photofind.cli.preview import Picture, print_pictures, wants_pictures

    if not wants_pictures(preview, photofind):
        return
    asked_with = [
        Picture(path, f"query {questions.names.get(path) or os.path.basename(path)}")  # noqa: PTH119
        for path in questions.paths
    ]
    hits = [
        Picture(hit.id, f"{hit.rank} {hit.score:.2f} {os.path.basename(hit.path)}")  # noqa: PTH119
        for hit in answer.hits
    ]
    print_pictures(photofind, asked_with + hits)


def _open(query: Query, *, gather: bool) -> None:
    """Open the page of the query, unless another process, started at once, takes its images."""
    from photofind.cli.web import notifying_of_errors, open_page

    with notifying_of_errors():
        if gather:
            from photofind.desktop.collect_selection import collect_selection
            from photofind.paths import Home

            query = replace(
                query, like=tuple(collect_selection(Home.default(), [*map(str, query.like)]))
            )
            if not query.like:
                return
        open_page(query)


def _check_presence(query: Query) -> None:
    from photofind.errors import ImageError

    for image in map(str, (*query.like, *query.unlike)):
        if not os.path.lexists(image):
            raise ImageError(f"{image} cannot be used as a query: there is no such file")


def answer_object(answer: Answer, names: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return the documented JSON object of an answer (docs/reference/cli.md).

    Parameters
    ----------
    names
        What pictures are called that lie in no file, by their paths.
    """
    names = names or {}
    return {
        "query": replace(
            answer.query,
            like=tuple(names.get(str(one), one) for one in answer.query.like),
        ),
        "extractor": answer.extractor,
        "spaces": answer.spaces,
        "coming": answer.coming,
        "notes": answer.notes,
        "searched_by": answer.searched_by,
        "photos": answer.photos,
        "preliminary": answer.preliminary,
        "turned": answer.turned,
        "seconds": round(answer.seconds, 4),
        "hits": answer.hits,
        "feedback": answer.feedback,
        "by_words": answer.by_words,
    }


def _feedback_in_words(answer: Answer) -> str | None:
    """Return what judgements did to an answer; None where there were none."""
    if answer.feedback is None:
        return None
    judged = answer.feedback.judged
    likes = sum(one.liked for one in judged)
    parts = [
        counted(count, what)
        for count, what in ((likes, "like"), (len(judged) - likes, "dislike"))
        if count
    ]
    learned = ["the metric learned from judgements"] if answer.feedback.metric else []
    return "ranked by " + " and ".join(["the query", *parts, *learned])


def print_hits(answer: Answer) -> None:
    """Print the hits of an answer, and what is to be known of it."""
    note(*answer.notes)
    if (ranked_by := _feedback_in_words(answer)) is not None:
        note(f"{ranked_by} (--no-feedback: without)")
    if answer.preliminary:
        note(
            f"{counted(answer.preliminary, 'photo is', 'photos are')} known by thumbnails so far; "
            "answers get better while they are read"
        )
    if answer.turned and answer.query.any_rotation is None:
        note("the photo was compared turned and mirrored too (--no-rotation: as it is)")
    if not answer.hits:
        query = answer.query
        if answer.photos:
            note(f"none of {answer.photos:,} photos is like that; try a lower --min-score")
        elif not (query.folder or query.since or query.until or query.tags):
            note("no photo is indexed yet; `photofind status` says how far that is")
        else:
            note("there is no photo in that folder, from that time, or with those tags")
        return
    print_table(
        ("#", "score", "photo", ""),
        (
            (
                str(hit.rank),
                f"{hit.score:.2f}",
                hit.path,
                " ".join(
                    ([f"+{len(hit.copies)} alike"] if hit.copies else [])
                    + ([f"words {hit.words:.2f}"] if hit.words is not None else [])
                    + (["offline"] if hit.offline else [])
                ),
            )
            for hit in answer.hits
        ),
    )
