"""``photofind duplicates``: list, clean up, and say what is not the same."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import click
from click.decorators import FC

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import (
    note,
    print_json,
    print_paths,
    print_table,
    progress_in_words,
    show_progress,
)
from photofind.cli.parameters import AbsoluteFolder, AbsolutePath
from photofind.errors import LibraryError
from photofind.model.counted import counted
from photofind.model.parameters import KEPT

if TYPE_CHECKING:
    from photofind.model import DuplicateGroup, NotSame, Spread, Trashing
    from photofind.operations import Operations

__all__ = ["duplicates"]

_KINDS = {
    "identical": "identical content",
    "picture": "same picture",
    "scene": "same scene",
}
_AT_ONCE = 10_000
# So many pictures of a group are shown in a terminal.
_MOST_SHOWN = 12
# Longest time that is waited for photos that are compared the first time.
_SECONDS = 120.0


class KeepType(AbsoluteFolder):
    """A rule, or the path of a folder, made absolute."""

    name = "rule"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the rule or the absolute path."""
        return str(value) if value in KEPT else super().convert(value, parameter, context)


@click.group(
    cls=ListingGroup,
    short_help="List groups of the same picture, and clean them up.",
    epilog="""\b
Examples:
  photofind duplicates
  photofind duplicates --keep best
  photofind duplicates --keep best --trash --dry-run
  photofind duplicates --keep ~/Pictures/originals --kind identical --trash
  photofind duplicates --json | jq '.[].paths[1:]'
  photofind duplicates not-same a.jpg b.jpg
  photofind duplicates list --help""",
)
def duplicates() -> None:
    """List groups of photos that show the same picture, and clean them up."""


def _which(command: FC) -> FC:
    options: list[Callable[[FC], FC]] = [
        click.option("--kind", "kinds", multiple=True, type=click.Choice([*_KINDS]),
                     help="List groups of this kind; can be repeated [default: all; for --trash: "
                     "identical and picture]."),
        click.option("--exact", is_flag=True,
                     help="List only files with identical content, as --kind identical."),
        click.option("--in", "folder", type=AbsoluteFolder(), metavar="FOLDER",
                     help="Look only at photos below FOLDER."),
        click.option("--across-folders", is_flag=True,
                     help="List only groups whose photos lie in different folders."),
        click.option("--within-folders", is_flag=True,
                     help="List only photos that lie in one folder."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@duplicates.command("list")
@_which
@click.option("--keep", type=KeepType(), metavar="best|largest|oldest|newest|FOLDER",
              help="Propose what to keep of each group, and say why.")  # fmt: skip
@click.option("--trash", is_flag=True, help="Move the others to the trash [with --keep].")
@click.option("--dry-run", is_flag=True, help="Move nothing; say what --trash would do.")
@click.option("--yes", is_flag=True, help="Do not ask before moving.")
@click.option("--preview/--no-preview", default=None,
              help="Show pictures, in a terminal (setting: preview).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of groups.")
def list_groups(
    kinds: tuple[str, ...],
    exact: bool,
    folder: str | None,
    across_folders: bool,
    within_folders: bool,
    keep: str | None,
    trash: bool,
    dry_run: bool,
    yes: bool,
    preview: bool | None,
    as_json: bool,
) -> None:
    """List groups of duplicates (the default command).

    All photos of a group match the first one. A group holds identical content, the same picture
    (rescaled, saved again, retouched, cropped, turned or mirrored), or takes of the same scene.
    Pixels decide, not the extractor. The first time takes longer, because photos that are alike are
    compared.

    With --keep it is said what to keep of each group:
    the best has the most pixels, then is an original, then was saved in the best quality; RAW files
    are kept beside it. With --trash the others are moved to the trash, after a question; each photo
    that is kept is read whole before. Takes of the same scene stay, unless --kind scene asks for
    them. `photofind untrash` puts all back.
    """
    if trash and keep is None:
        raise click.UsageError("--trash needs --keep: say what to keep")
    if across_folders and within_folders:
        raise click.UsageError("--across-folders and --within-folders exclude each other")
    spread: Spread = "across" if across_folders else "within" if within_folders else "any"
    chosen = {_KINDS[kind] for kind in (*kinds, *(["identical"] if exact else []))}
    # What shows but the same scene goes only if that is asked for.
    chosen = chosen or ({*_KINDS.values()} - ({"same scene"} if trash else set()))
    with connected(start=True) as photofind:
        found = _look(photofind, folder=folder, spread=spread, keep=keep)
        groups = [group for group in found if group.kind in chosen]
        if as_json and not (trash and not dry_run):
            print_json(groups)
            return
        if not as_json:
            _print(groups, _drawing(photofind, preview))
        if trash:
            _clean_up(photofind, groups, dry_run=dry_run, yes=yes, as_json=as_json)


def _look(
    photofind: Operations, *, folder: str | None, spread: Spread, keep: str | None
) -> list[DuplicateGroup]:
    """Return groups, and show how far the comparing is, which takes a while the first time."""
    ends = time.monotonic() + _SECONDS
    with show_progress() as progress:
        while True:
            found = photofind.duplicates(folder=folder, spread=spread)
            comparing = photofind.status().comparing
            if comparing is None or time.monotonic() > ends:
                break
            progress(comparing)
    if keep is not None:
        found = photofind.duplicates(folder=folder, spread=spread, keep=keep)
    if comparing is not None:
        note(
            f"not all photos are compared yet ({progress_in_words(comparing)}): the daemon goes on "
            "while nothing else is to be done; run the same again to go on at once"
        )
    return found


def _drawing(photofind: Operations, preview: bool | None) -> Callable[[DuplicateGroup], None]:
    """Return what shows the pictures of a group, where they are wanted."""
    if preview is not False and sys.stdout.isatty():
        from photofind.cli.preview import Picture, print_pictures, wants_pictures

        if wants_pictures(preview, photofind):

            def draw(group: DuplicateGroup) -> None:
                names = map(os.path.basename, group.paths)
                pictures = map(Picture, group.ids[:_MOST_SHOWN], names)
                print_pictures(photofind, [*pictures])

            return draw
    return lambda group: None


def _print(groups: Sequence[DuplicateGroup], draw: Callable[[DuplicateGroup], None]) -> None:
    for number, group in enumerate(groups, 1):
        done = ", ".join(dict.fromkeys(chain.from_iterable(group.differences)))
        what = f"{group.kind} ({done})" if done else group.kind
        note(f"group {number}: {counted(len(group.paths), 'photo')}, {what}")
        draw(group)
        proposal = group.proposal
        if proposal is None:
            print_paths(group.paths)
            continue
        note(f"  {proposal.reason}")
        print_table(
            ("", "photo"),
            [
                ("trash" if one in proposal.trash else "keep", path)
                for one, path in zip(group.ids, group.paths, strict=True)
            ],
        )
    if not groups:
        note("there are no duplicates")


def _clean_up(
    photofind: Operations,
    groups: Sequence[DuplicateGroup],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    proposals = [group.proposal for group in groups if group.proposal]
    kept = {one: proposal.keep[0] for proposal in proposals for one in proposal.trash}
    # A photo that any group keeps stays.
    staying = {one for proposal in proposals if proposal.trash for one in proposal.keep}
    going = [one for one in kept if one not in staying]
    if not going:
        note("there is nothing to move to the trash")
        return
    if dry_run:
        note(f"{counted(len(going), 'photo')} would be moved to the trash; nothing was moved")
        return
    if not yes:
        if not _is_terminal():
            raise click.UsageError("there is no terminal to ask on: give --yes, or --dry-run")
        click.confirm(f"Move {counted(len(going), 'photo')} to the trash?", abort=True, err=True)
    done = [
        photofind.trash(part, kept=[kept[one] for one in part])
        for part in (going[at : at + _AT_ONCE] for at in range(0, len(going), _AT_ONCE))
    ]
    if as_json:
        print_json(done)
    _report(done)


def _report(done: Iterable[Trashing]) -> None:
    failed = False
    for trashing in done:
        for failure in trashing.failures:
            failed = True
            note(failure.reason)
        note(f"{counted(len(trashing.trashed), 'photo is', 'photos are')} in the trash")
        if trashing.undo:
            note(f"`photofind untrash {trashing.undo}` puts them back, all at once")
        elif trashing.trashed:
            note("to restore them, open the trash of your system")
    if failed:
        raise SystemExit(1)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@duplicates.command("not-same", short_help="Say that photos do not show the same, or list these.")
@click.argument("photo", type=AbsolutePath(), required=False)
@click.argument("others", type=AbsolutePath(), nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def not_same(photo: str | None, others: tuple[str, ...], as_json: bool) -> None:
    """Say that PHOTO does not show the same as OTHERS; without them, list what was said.

    It is remembered by the contents of the files, so it does not matter where they are moved.
    """
    if photo is not None and not others:
        raise click.UsageError("name at least two photos")
    with connected(start=True) as photofind:
        if photo is None:
            pairs = photofind.not_same()
        else:
            ids = [photofind.photo(path).id for path in (photo, *others)]
            pairs = photofind.tell_apart(ids[0], ids[1:])
    if as_json:
        print_json(pairs)
    elif photo is None:
        print_table(("photo", "is not the same as"), [_names(pair) for pair in pairs])
        if not pairs:
            note("no photos were told apart")
    else:
        note(f"{len(pairs)} pairs are remembered; `photofind duplicates same` takes that back")


@duplicates.command("same", short_help="Take back that photos do not show the same.")
@click.argument("photos", metavar="PHOTO [OTHERS]...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of what was taken back.")
def same(photos: tuple[str, ...], as_json: bool) -> None:
    """Take back that PHOTO does not show the same as OTHERS, or as any photo.

    Each is a path or, where no photo has that content any more, an id as `not-same` lists it.
    """
    names = [_known_as(photo) for photo in photos]
    with connected(start=True) as photofind:
        taken = [pair for pair in photofind.not_same() if _concerns(pair, names)]
        if not taken:
            raise LibraryError(
                "these photos were not told apart", "`photofind duplicates not-same` lists them"
            )
        photofind.forget_apart([pair.pair for pair in taken])
    if as_json:
        print_json(taken)
    else:
        note(f"{len(taken)} pairs were taken back")


def _known_as(typed: str) -> set[str]:
    """Return what may be meant: the path of a photo, or a content id."""
    return {typed, AbsolutePath().convert(typed, None, None)}


def _concerns(pair: NotSame, names: Sequence[set[str]]) -> bool:
    """Return whether one of a pair is the first photo, and the other one of the others, if any."""
    contents = pair.pair.split(":")
    sides = [{*pair.first, contents[0]}, {*pair.second, contents[1]}]
    for side, other in (sides, reversed(sides)):
        if side & names[0] and (len(names) == 1 or any(other & name for name in names[1:])):
            return True
    return False


def _names(pair: NotSame) -> tuple[str, str]:
    contents = pair.pair.split(":")
    return ", ".join(pair.first) or contents[0], ", ".join(pair.second) or contents[1]
