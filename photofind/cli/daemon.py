"""``photofind daemon``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table, shown
from photofind.cli.parameters import AbsoluteFolder

if TYPE_CHECKING:
    from photofind.paths import Home

__all__ = ["daemon"]


class _StatusGroup(ListingGroup):
    default = "status"


@dataclass(frozen=True)
class DaemonInfo:
    """The daemon as it is seen from outside.

    Parameters
    ----------
    running, answers
        Whether there is one, and whether it reacts.
    pid, version, started, port
        Its process, the version of photofind that it runs, since when (seconds since 1970), and
        where its API is; None where it is not known.
    enabled, service
        Whether it is started at login, and what does or would do so.
    """

    running: bool
    answers: bool
    pid: int | None
    version: str | None
    started: float | None
    port: int | None
    enabled: bool
    service: str


@click.group(
    cls=_StatusGroup,
    short_help="Start and stop what keeps the library true to its folders.",
    epilog="""\b
Examples:
  photofind daemon
  photofind daemon enable
  photofind daemon logs --follow
  photofind daemon stop""",
)
def daemon() -> None:
    """Start and stop the daemon, or have it started at login.

    The daemon watches the folders, indexes what is new in them, and answers all other commands.
    Those that need it start it; photofind config set autostart_daemon false has them do without.
    """


@daemon.command()
def start() -> None:
    """Start the daemon, where it does not run, and wait until it answers."""
    from photofind.daemon.lifecycle import start
    from photofind.paths import Home

    home = Home.default()
    note(start(home).value + _process(home))


@daemon.command()
def stop() -> None:
    """Stop the daemon, gently where it reacts and by force where not."""
    from photofind.daemon.lifecycle import stop
    from photofind.paths import Home

    note(stop(Home.default()).value)


@daemon.command()
def restart() -> None:
    """Stop the daemon where it runs, and start it."""
    from photofind.daemon.lifecycle import start, stop
    from photofind.paths import Home

    home = Home.default()
    note(stop(home).value)
    note(start(home).value + _process(home))


@daemon.command(short_help="Say whether the daemon runs (also without a command).")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(as_json: bool) -> None:
    """Say whether the daemon runs, and whether it is started at login (also without a command).

    What it does is told by "photofind status".
    """
    from photofind import __version__
    from photofind.desktop.autostart import State, autostart
    from photofind.paths import Home

    home = Home.default()
    service = autostart(home)
    enabled = service.status()
    state = _state(home, service.name, enabled=enabled is not State.ABSENT)
    if as_json:
        print_json(state)
        return
    runs = "running" if state.answers else "running, but it does not answer"
    rows = [("daemon", runs if state.running else "not running")]
    if state.pid is not None:
        rows.append(("process", str(state.pid)))
    if state.version is not None:
        older = "" if state.version == __version__ else "; `photofind daemon restart` renews it"
        rows.append(("version", state.version + older))
    if state.started is not None:
        rows.append(("since", f"{datetime.fromtimestamp(state.started):%Y-%m-%d %H:%M:%S}"))
    if state.port is not None:
        rows.append(("port", str(state.port)))
    at_login = f"{enabled.value}: {service.effect}"
    if enabled is State.ABSENT:
        at_login = f"{enabled.value}; `photofind daemon enable` changes that"
    elif enabled is State.OUTDATED:
        at_login = f"{enabled.value}; `photofind daemon enable` renews it"
    print_table(("", ""), [*rows, ("at login", at_login)])


@daemon.command()
@click.option("--home", type=AbsoluteFolder(), metavar="FOLDER",
              help="Whose daemon to be, where that is not in PHOTOFIND_HOME.")  # fmt: skip
def run(home: str | None) -> None:
    """Be the daemon, in the foreground, until Ctrl-C or a signal.

    This is what service managers run. Exit code 75 says that there is one already.
    """
    import os

    from photofind.daemon.lifecycle import RUNS_ALREADY
    from photofind.daemon.run import run
    from photofind.desktop.notifications import Notices
    from photofind.errors import DaemonRunsError
    from photofind.paths import Home
    from photofind.settings import load_settings

    if home is not None:
        os.environ["PHOTOFIND_HOME"] = home  # For children too.
    settings = Home.default().settings
    notices = Notices(lambda: load_settings(settings).notifications)
    try:
        run(Home.default(), listener=notices)
    except DaemonRunsError as error:
        note(f"photofind: {error.message}", f"  {error.hint}")
        sys.exit(RUNS_ALREADY)


@daemon.command()
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(0),
              help="How many lines to show, of the last ones.")  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Show those that come, too, until Ctrl-C.")
def logs(lines: int, follow: bool) -> None:
    """Show what the daemon wrote to its log.

    How much that is, is a setting: photofind config set log_level debug
    """
    from photofind.daemon.logs import log_file, read_log
    from photofind.paths import Home

    home = Home.default()
    if not log_file(home).exists():
        note("the daemon has not written anything yet")
    for line in read_log(home, lines, follow=follow):
        click.echo(shown(line))


@daemon.command()
def enable() -> None:
    """Have the daemon started at login from now on, and start it now."""
    from photofind.cli.desktop import note_places
    from photofind.daemon.lifecycle import is_running, start, stop
    from photofind.desktop.autostart import autostart
    from photofind.desktop.integrations import install
    from photofind.paths import Home

    home = Home.default()
    service = autostart(home)
    if service.install():
        note(f"the daemon is enabled: {service.effect}")
        note_places(install())
        if is_running(home):  # It goes on as a child of the service.
            stop(home)
    else:
        note(f"the daemon was enabled already: {service.effect}")
    note(start(home).value + _process(home))


@daemon.command()
def disable() -> None:
    """Have the daemon no longer started at login, and stop it now."""
    from photofind.daemon.lifecycle import stop
    from photofind.desktop.autostart import services
    from photofind.paths import Home

    home = Home.default()
    note(stop(home).value)
    removed = [service.remove() for service in services(home)]
    if any(removed):
        note("the daemon is no longer started at login; commands still start it when they need it")
        note("  `photofind config set autostart_daemon false` has them do without")
    else:
        note("the daemon was not enabled")


def _state(home: Home, service: str, *, enabled: bool) -> DaemonInfo:
    from photofind.daemon.instance import is_running, running_process
    from photofind.daemon.lifecycle import reachable

    if not is_running(home):
        return DaemonInfo(False, False, None, None, None, None, enabled, service)
    if at := reachable(home):
        return DaemonInfo(True, True, at.pid, at.version, at.started, at.port, enabled, service)
    process = running_process(home)
    pid = process.pid if process else None
    return DaemonInfo(True, False, pid, None, None, None, enabled, service)


def _process(home: Home) -> str:
    """Return which process the daemon is, in words to be added to a line."""
    from photofind.daemon.runtime import read_runtime

    runtime = read_runtime(home)
    return f" (process {runtime.pid})" if runtime else ""
