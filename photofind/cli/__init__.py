"""The commands of ``photofind``, one module each; a command imports what it needs when it runs."""

from __future__ import annotations

import atexit
import gc

import click

from photofind.cli.commands import Commands
from photofind.cli.first_run import WelcomingGroup
from photofind.system.garbage import look_seldom

__all__ = ["main"]

look_seldom()  # Until the command turns out to do the work itself.
# The interpreter would look through all that is left when it ends, for 8 ms of 70.
atexit.register(gc.freeze)

_COMMANDS = (
    "similar",
    "search",
    "explain",
    "feedback",
    "web",
    "index",
    "folders",
    "duplicates",
    "known",
    "untrash",
    "tags",
    "count",
    "status",
    "pause",
    "resume",
    "daemon",
    "doctor",
    "failures",
    "extractors",
    "evaluate",
    "train",
    "plugins",
    "config",
    "store",
    "desktop",
    "tray",
    "demo",
    "welcome",
    "gallery",
)
# Those that are not in a module of their name.
_ELSEWHERE = {"resume": "pause", "gallery": "web"}


@click.group(
    cls=WelcomingGroup,
    commands=Commands({name: f"photofind.cli.{_ELSEWHERE.get(name, name)}" for name in _COMMANDS}),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Getting started:
  photofind folders add ~/Pictures
  photofind index
  photofind similar ~/Pictures/some-photo.jpg""",
)
@click.version_option(package_name="photofind")
@click.option("--no-daemon", is_flag=True, envvar="PHOTOFIND_NO_DAEMON",
              help="Do not use or start the daemon. Put this before the command.")  # fmt: skip
@click.option("--debug", is_flag=True,
              help="Show the traceback of an error. Put this before the command.")  # fmt: skip
@click.pass_context
def main(context: click.Context, debug: bool, no_daemon: bool) -> None:
    """Find photos that look like a given photo.

    Nothing leaves this machine.
    """
    from photofind.paths import Home
    from photofind.system.home_guard import check_home

    if context.invoked_subcommand not in ("doctor", "daemon"):  # These look for themselves.
        check_home(Home.default())
