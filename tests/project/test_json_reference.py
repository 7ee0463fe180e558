"""docs/reference/cli.md describes every member of the JSON that commands print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest

from photofind import model
from photofind.app.store_copy import StoreCopy
from photofind.cli import main
from photofind.cli.daemon import DaemonInfo
from photofind.desktop.integrations import Place
from photofind.extractors.add_model import AddedModel
from photofind.extractors.info import ExtractorInfo
from photofind.learning.results import Evaluation
from photofind.learning.training.card import TrainingCard
from photofind.learning.training.settings import TrainingSettings
from photofind.model.photos import TrashedBefore
from photofind.testing.service import CheckReport

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text("utf-8")
SECTION = r"^### `([\w-]+) --json`\n(.*?)(?=^##)"
SECTIONS: dict[str, str] = dict(re.findall(SECTION, PAGE, re.MULTILINE | re.DOTALL))
PRINTED: dict[str, tuple[Any, ...]] = {
    "similar": (model.Answer,),
    "search": (model.SearchAnswer,),
    "explain": (model.Explanation,),
    "feedback": (model.Judged, model.MetricStatus),
    "duplicates": (model.DuplicateGroup, model.Trashing, model.NotSame),
    "known": (model.KnownPhoto,),
    "untrash": (model.Untrashing, TrashedBefore),
    "tags": (model.TagCount, model.PhotoDetails, model.Tagging),
    "index": (model.Report,),
    "status": (model.Status,),
    "folders": (model.FolderStatus,),
    "failures": (model.Failure,),
    "extractors": (model.ExtractorStatus, ExtractorInfo, AddedModel, CheckReport),
    "evaluate": (Evaluation,),
    "doctor": (model.Check,),
    "daemon": (DaemonInfo,),
    "desktop": (Place,),
    "store": (StoreCopy,),
    "train": (TrainingCard, TrainingSettings),
}
ELSEWHERE = {
    # Described where they are listed, to which their section refers.
    "status": (model.FolderStatus,),
    "duplicates": (model.Failure,),
    "untrash": (model.Failure,),
}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif any("--json" in option.opts for option in command.params):
            yield (*path, name)


def members(kind: Any, left_out: tuple[Any, ...]) -> Iterator[str]:
    """The names of the members of a dataclass, and of those that it holds."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        yield field.name
        waiting = [hints[field.name]]
        while waiting:
            hint = waiting.pop()
            waiting += get_args(hint)
            if is_dataclass(hint) and hint not in left_out:
                yield from members(hint, left_out)


def test_every_command_with_json_has_its_section():
    with_json = {path[0] for path in commands(main)}
    assert with_json - {"plugins"} == set(SECTIONS)
    assert "`plugins list --json` is the same" in SECTIONS["extractors"]
    assert set(PRINTED) | {"config", "demo"} == set(SECTIONS)


@pytest.mark.parametrize("command", PRINTED)
def test_every_member_is_described(command):
    left_out = ELSEWHERE.get(command, ())
    missing = {
        name
        for kind in PRINTED[command]
        for name in members(kind, left_out)
        if not re.search(rf"[`\"]{name}[`\"]", SECTIONS[command])
    }
    assert missing == set()
