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
    short_help="Create a plugin with your own extractor.",
    epilog="""\b
Examples:
  photofind plugins new sunset
  photofind plugins list""",
)
def plugins() -> None:
    """Create a plugin with your own extractor, or list the installed ones.

    The guide for authors is docs/develop/add-an-extractor.md in photofind's repository.
    """


plugins.add_command(list_all, "list")


@plugins.command()
@click.argument("name")
@click.option("--in", "folder", type=AbsoluteFolder(), default=".", metavar="FOLDER",
              help="Parent folder of the project; default: the current folder.")  # fmt: skip
def new(name: str, folder: str) -> None:
    """Create the project of a new plugin with a working extractor called NAME, and its tests.

    Install it, then replace its example code by your own.
    """
    import shlex
    from pathlib import Path

    from photofind.testing.project import write_project

    project = write_project(name, Path(folder))
    extractor = project.name.removeprefix("photofind-")
    note(
        f"created the plugin {project}; to try it:",
        f"  cd {shlex.quote(str(project))}",
        "  python -m pip install -e '.[test]'",
        "  python -m pytest",
        f"  photofind extractors check {extractor}",
    )
