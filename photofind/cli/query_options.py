"""The options of a query, the same on each command that asks one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.decorators import FC

from photofind.cli.parameters import AbsoluteFolder, AbsolutePath, box, date, query_option

__all__ = ["query_options"]

_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "unlike": {
        "multiple": True,
        "type": AbsolutePath(),
        "metavar": "IMAGE",
        "help": "A photo that hits should not be like; may be repeated.",
    },
    "limit": {
        "type": click.IntRange(1, 10_000),
        "metavar": "N",
        "help": "How many hits (setting: hits).",
    },
    "min_score": {
        "type": click.FloatRange(0, 1),
        "metavar": "SCORE",
        "help": "Leave out hits below this score, 0 to 1 (setting: min_score).",
    },
    "folder": {
        "type": AbsoluteFolder(),
        "metavar": "FOLDER",
        "help": "Only photos in this folder; it is indexed first if it is new.",
    },
    "since": {
        "type": date,
        "metavar": "DATE",
        "help": "Only photos from then on: 2021, 2021-05, 2021-05-03 ...",
    },
    "until": {
        "type": date,
        "metavar": "DATE",
        "help": "Only photos up to and including then.",
    },
    "tags": {
        "multiple": True,
        "metavar": "WORD",
        "help": "Only photos with this tag or keyword; may be repeated.",
    },
    "extractor": {
        "metavar": "NAME",
        "help": "Compare by this extractor (setting: extractor).",
    },
    "plain": {"is_flag": True, "help": "Rank by the cosine of the embeddings alone."},
    "every": {"is_flag": True, "help": "Show near-duplicates one by one."},
    "box": {
        "type": box,
        "metavar": "X,Y,W,H",
        "help": "Compare this part of the photo alone: left, top, width and height, as fractions "
        "of its sides.",
    },
    "any_rotation": {
        "default": None,
        "help": "Compare the photo turned and mirrored too; by default where nothing else shows "
        "its picture.",
    },
    "originals": {
        "is_flag": True,
        "help": "First show what the photo was cut from, and what was cut from it; takes some "
        "seconds.",
    },
    "words": {
        "metavar": "WORDS",
        "help": "What hits should show, with IMAGES or without: compared by extractors that embed "
        "texts, and with tags, keywords, captions and names.",
    },
    "words_weight": {
        "type": click.FloatRange(0, 1),
        "metavar": "SHARE",
        "help": "How much the words count beside IMAGES, 0 to 1; 0.5 if not given.",
    },
    "feedback": {
        "default": None,
        "help": "Whether what was judged for the same query before ranks the hits (setting: "
        "feedback).",
    },
}


def query_options(*fields: str) -> Callable[[FC], FC]:
    """Return the options for some fields of a query, listed by ``--help`` in that order."""

    def decorate(command: FC) -> FC:
        for field in reversed(fields):
            command = query_option(field, **_ATTRIBUTES[field])(command)
        return command

    return decorate
