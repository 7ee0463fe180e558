"""``photofind feedback``."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photofind.cli.connection import connected
from photofind.cli.output import note, print_json, print_line, print_table
from photofind.cli.parameters import AbsolutePath, ImagePath
from photofind.cli.query_options import query_options
from photofind.cli.similar import answer_object, index_folder_of, print_hits
from photofind.errors import LibraryError
from photofind.model.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photofind.model import Answer, Judged, MetricStatus, Query
    from photofind.operations import Operations

__all__ = ["feedback"]


@click.command(
    epilog="""\b
Examples:
  photofind feedback beach.jpg --like 2.jpg --like 5.jpg --dislike 3.jpg
  photofind feedback beach.jpg --undo 5.jpg
  photofind feedback --list
  photofind feedback --export judged.csv
  photofind feedback --metric"""
)
@click.argument("images", nargs=-1, type=ImagePath())
@click.option("--like", "likes", multiple=True, type=AbsolutePath(), metavar="PHOTO",
              help="A photo that is what was asked for; may be repeated.")  # fmt: skip
@click.option("--dislike", "dislikes", multiple=True, type=AbsolutePath(), metavar="PHOTO",
              help="One that is not; may be repeated.")  # fmt: skip
@click.option("--undo", "undone", multiple=True, type=AbsolutePath(), metavar="PHOTO",
              help="Take back what was said of it for this query; may be repeated.")  # fmt: skip
@click.option("--undo-all", is_flag=True, help="Take back all that was said for this query.")
@query_options(
    "unlike", "limit", "min_score", "folder", "since", "until", "tags", "extractor", "box", "words",
    "words_weight",
)  # fmt: skip
@click.option("--list", "lists", is_flag=True, help="List everything that was judged.")
@click.option("--export", "exported", type=click.Path(dir_okay=False, path_type=Path),
              metavar="FILE",
              help="Write everything that was judged to a file: .csv, or else JSON.")  # fmt: skip
@click.option("--metric", "shows_metric", is_flag=True,
              help="Show what was learned from all judgements.")  # fmt: skip
@click.option("--learn", "learns", is_flag=True,
              help="Learn from them now; the daemon does so in calm moments.")  # fmt: skip
@click.option("--forget-metric", "forgets", is_flag=True,
              help="Forget that; only what is judged later is learned from.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def feedback(
    images: tuple[str, ...],
    likes: tuple[str, ...],
    dislikes: tuple[str, ...],
    undone: tuple[str, ...],
    undo_all: bool,
    lists: bool,
    exported: Path | None,
    shows_metric: bool,
    learns: bool,
    forgets: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Say which photos are what IMAGES ask for, and which are not.

    The hits are ranked anew at once, and photos are named that are worth judging next. What was
    said is kept, and counts when the same is asked again, unless the setting `feedback` is false.
    From the judgements of several queries a small metric is learned, which counts only if it
    proves itself, and never if the setting `metric` is false.
    """
    asks = bool(images or fields["words"])
    judges = bool(likes or dislikes or undone or undo_all)
    if judges and not asks:
        raise click.UsageError("name the IMAGES of the query that the photos are judged for")
    if asks + lists + (exported is not None) + shows_metric + learns + forgets != 1:
        raise click.UsageError(
            "name the IMAGES of a query, or give one of --list, --export, --metric, --learn and "
            "--forget-metric"
        )
    with connected(start=True) as photofind:
        if lists or exported is not None:
            _list(photofind.judgements(), exported, as_json=as_json)
        elif asks:
            from photofind.model import Query

            query = Query(images, **fields)
            index_folder_of(query, photofind)
            answer = _judge(photofind, query, likes, dislikes, undone, undo_all=undo_all)
            if as_json:
                print_json(answer_object(answer))
            else:
                print_hits(answer)
                _print_proposals(answer)
        else:
            if forgets:
                status = photofind.forget_metric()
            else:
                status = photofind.learn_metric() if learns else photofind.metric()
            if as_json:
                print_json(status)
            else:
                _print_metric(status)


def _judge(
    photofind: Operations,
    query: Query,
    likes: Sequence[str],
    dislikes: Sequence[str],
    undone: Sequence[str],
    *,
    undo_all: bool,
) -> Answer:
    if undo_all:
        known = photofind.judge(query).feedback
        gone = photofind.forget_judgements([known.key]) if known is not None and known.key else 0
        note(counted(gone, "judgement was taken back", "judgements were taken back"))
    liked, disliked, forgotten = (
        [photofind.photo(path).id for path in paths] for paths in (likes, dislikes, undone)
    )
    return photofind.judge(query, likes=liked, dislikes=disliked, forget=forgotten)


def _print_proposals(answer: Answer) -> None:
    if answer.feedback is None or not answer.feedback.proposals:
        return
    note("", "worth judging next (--like or --dislike):")
    for hit in answer.feedback.proposals:
        note(f"  {hit.path}")


def _list(judged: Sequence[Judged], exported: Path | None, *, as_json: bool) -> None:
    if exported is not None:
        _export(judged, exported)
        note(f"{counted(len(judged), 'judgement is', 'judgements are')} in {exported}")
    elif as_json:
        print_json(judged)
    else:
        print_table(
            ("asked", "", "photo"),
            [(_asked(one), _said(one), _paths(one)) for one in judged],
        )
        if not judged:
            note("nothing was judged")


def _export(judged: Sequence[Judged], file: Path) -> None:
    from photofind.model import as_plain

    if file.suffix.lower() == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("query", "words", "photo", "judgement", "time", "key"))
        for one in judged:
            when = datetime.fromtimestamp(one.moment).isoformat(timespec="seconds")
            writer.writerow(
                ("; ".join(one.query), one.words, _paths(one), _said(one), when, one.judgement)
            )
        content = text.getvalue()
    else:
        content = json.dumps(judged, indent=2, default=as_plain) + "\n"
    try:
        file.write_text(content, encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise LibraryError(f"{file} cannot be written: {error.strerror}") from None


def _asked(one: Judged) -> str:
    part = " (a part)" if one.box else ""
    return ", ".join([*one.query, *([f'"{one.words}"'] if one.words else [])]) + part


def _said(one: Judged) -> str:
    return "liked" if one.liked else "disliked"


def _paths(one: Judged) -> str:
    return ", ".join(one.paths) or one.judgement.partition(":")[2]


def _print_metric(status: MetricStatus) -> None:
    state = {
        "on": "a metric is learned, and counts",
        "off": "a metric is learned, and switched off (`photofind config set metric true`)",
    }.get(status.state, "no metric counts")
    print_line(f"{state}: {status.reason}")
    rows = [
        ("space", status.space),
        ("learned from", f"{status.judgements} judgements of {status.queries} queries"),
    ]
    if status.before is not None and status.after is not None:
        rows.append(("held-out judgements ranked right", _change(status.before, status.after)))
    if status.others_before is not None and status.others_after is not None:
        rows.append(("other photos, mAP", _change(status.others_before, status.others_after)))
    if status.strongest is not None:
        rows.append(("most changed direction", f"counts {status.strongest:.2f} times"))
    print_table(("", ""), rows)


def _change(before: float, after: float) -> str:
    return f"{100 * before:.1f} % before, {100 * after:.1f} % with it"
