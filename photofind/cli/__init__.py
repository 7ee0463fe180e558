"""The commands of ``photofind``, one module each; a command imports what it needs when it runs."""

from __future__ import annotations

import click

from photofind.cli.config import config
from photofind.cli.count import count
from photofind.cli.daemon import daemon
from photofind.cli.demo import demo
from photofind.cli.desktop import desktop
from photofind.cli.doctor import doctor
from photofind.cli.duplicates import duplicates
from photofind.cli.evaluate import evaluate
from photofind.cli.explain import explain
from photofind.cli.extractors import extractors
from photofind.cli.failures import failures
from photofind.cli.feedback import feedback
from photofind.cli.folders import folders
from photofind.cli.index import index
from photofind.cli.known import known
from photofind.cli.pause import pause, resume
from photofind.cli.plugins import plugins
from photofind.cli.search import search
from photofind.cli.similar import similar
from photofind.cli.status import status
from photofind.cli.store import store
from photofind.cli.tags import tags
from photofind.cli.train import train
from photofind.cli.tray import tray
from photofind.cli.untrash import untrash
from photofind.cli.web import gallery, web
from photofind.cli.welcome import WelcomingGroup, welcome

__all__ = ["main"]


@click.group(
    cls=WelcomingGroup,
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

    if context.invoked_subcommand not in (doctor.name, daemon.name):  # These look for themselves.
        check_home(Home.default())


for command in (
    similar,
    search,
    explain,
    feedback,
    web,
    index,
    folders,
    duplicates,
    known,
    untrash,
    tags,
    count,
    status,
    pause,
    resume,
    daemon,
    doctor,
    failures,
    extractors,
    evaluate,
    train,
    plugins,
    config,
    store,
    desktop,
    tray,
    demo,
    welcome,
    gallery,
):
    main.add_command(command)
