"""``photofind plugins``."""

from __future__ import annotations

from pathlib import Path

import click

from photofind.cli.extractors import list_all
from photofind.cli.group import ListingGroup
from photofind.cli.output import note
from photofind.cli.parameters import AbsoluteFolder, complete_extractor

__all__ = ["plugins"]


@click.group(
    cls=ListingGroup,
    short_help="Create, install and uninstall plugins with extractors.",
    epilog="""\b
Examples:
  photofind plugins new sunset
  photofind plugins install ./photofind-sunset --editable
  photofind plugins install photofind-sunset --upgrade
  photofind plugins uninstall sunset
  photofind plugins list""",
)
def plugins() -> None:
    """Create a plugin with your own extractor, install plugins, or list the installed ones.

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

    from photofind.testing.project import write_project

    project = write_project(name, Path(folder))
    extractor = project.name.removeprefix("photofind-")
    note(
        f"created the plugin {project}; to try it:",
        f"  cd {shlex.quote(str(project))}",
        "  photofind plugins install --editable '.[test]'",
        "  python -m pytest",
        f"  photofind extractors check {extractor}",
    )


@plugins.command()
@click.argument("requirements", metavar="PLUGIN...", nargs=-1, required=True)
@click.option("-U", "--upgrade", is_flag=True, help="Replace an older version that is installed.")
@click.option("-e", "--editable", is_flag=True,
              help="Use a project from where it is, so that its files can be edited.")  # fmt: skip
def install(requirements: tuple[str, ...], upgrade: bool, editable: bool) -> None:
    """Install plugins into the environment that photofind itself runs in.

    PLUGIN is what pip takes: the folder of a project, a wheel, or the name of a distribution,
    which is then downloaded from the Python Package Index.
    """
    from importlib import invalidate_caches

    from photofind.extractors.registry import installed
    from photofind.system.python_environment import install as install_here

    before = {*installed()}
    install_here(requirements, upgrade=upgrade, editable=editable)
    invalidate_caches()
    added = [plugin for plugin in installed() if plugin not in before]
    for plugin in added:
        note(
            f"installed {plugin}",
            f"  to use it: photofind extractors use {plugin.name}",
        )
    if not added:
        note("no new extractor, and no new version of one, was installed")


@plugins.command()
@click.argument("name", shell_complete=complete_extractor)
def uninstall(name: str) -> None:
    """Uninstall a plugin, given its distribution or one of its extractors.

    The embeddings of its extractors are kept.
    """
    from photofind.errors import ExtractorError
    from photofind.extractors.registry import extractors_in_use, installed
    from photofind.paths import Home
    from photofind.settings import load_settings
    from photofind.system.python_environment import uninstall as uninstall_here

    offered = installed()
    distribution = next(
        (one.distribution for one in offered if name in (one.name, one.distribution)), None
    )
    if distribution is None:
        raise ExtractorError(
            f"there is no plugin {name!r}", "`photofind plugins list` lists the installed ones"
        )
    named = [one for one in offered if one.distribution == distribution]
    if any(Path(one.target).is_absolute() for one in named):
        raise ExtractorError(
            f"{name} was added from a model, not installed",
            f"remove it with `photofind extractors remove {name}`",
        )
    if distribution == "photofind":
        raise ExtractorError(f"{name} comes with photofind itself")
    in_use = extractors_in_use(load_settings(Home.default().settings))
    if busy := [one.name for one in named if one.name in in_use]:
        raise ExtractorError(
            f"{', '.join(busy)} of {distribution} is in use",
            "first `photofind extractors use mobilenet`, and "
            f"`photofind extractors disable {busy[0]}`",
        )
    uninstall_here(distribution)
    note(f"uninstalled {distribution}; the embeddings of {', '.join(o.name for o in named)} stay")
