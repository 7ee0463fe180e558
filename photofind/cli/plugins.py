"""``photofind plugins``."""

from __future__ import annotations

import click

from photofind.cli.extractors import list_all
from photofind.cli.group import ListingGroup
from photofind.cli.output import note
from photofind.cli.parameters import AbsoluteFolder

__all__ = ["plugins"]


@click.group(
    cls=ListingGroup,
    short_help="Write an extractor of your own.",
    epilog="""\b
Examples:
  photofind plugins new sunset
  photofind plugins list""",
)
def plugins() -> None:
    """Write a plugin of your own, or list those that are installed.

    docs/develop/add-an-extractor.md in photofind's repository is the guide for authors.
    """


plugins.add_command(list_all, "list")


@plugins.command()
@click.argument("name")
@click.option("--in", "folder", type=AbsoluteFolder(), default=".", metavar="FOLDER",
              help="Where its folder is made; the current folder by default.")  # fmt: skip
def new(name: str, folder: str) -> None:
    """Write the project of a new plugin, with an extractor called NAME, its tests and all else.

    It works as it is; what it does is yours to change.
    """
    import shlex
    from pathlib import Path

    from photofind.testing.project import write_project

    project = write_project(name, Path(folder))
    extractor = project.name.removeprefix("photofind-")
    note(
        f"{project} is a plugin now; to try it:",
        f"  cd {shlex.quote(str(project))}",
        "  python -m pip install -e '.[test]'",
        "  python -m pytest",
        f"  photofind extractors check {extractor}",
    )
