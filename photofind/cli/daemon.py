"""``photofind daemon``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_line, print_table
from photofind.cli.parameters import AbsoluteFolder

if TYPE_CHECKING:
    from photofind.paths import Home

__all__ = ["daemon"]


class _StatusGroup(ListingGroup):
    default = "status"


@dataclass(frozen=True)
class DaemonInfo:
    """The daemon as seen from outside.

    Parameters
    ----------
    running, answers
        Whether it runs, and whether it responds.
    pid, version, started, port
        Its process id, version, start time (seconds since 1970) and API port; None if unknown.

    enabled, service
        Whether it is started at login, and the service that starts it.
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
    short_help="Start and stop the background process.",
    epilog="""\b
Examples:
  photofind daemon
  photofind daemon enable
  photofind daemon logs --follow
  photofind daemon stop""",
)
@click.pass_context
def daemon(context: click.Context) -> None:
    """Start and stop the daemon, the background process of photofind.

    The daemon watches the folders, indexes new photos, and answers all other commands. Commands
    start it if they need it; "photofind config set autostart_daemon false" turns that off.
    """
    from photofind.paths import Home
    from photofind.system.home_guard import check_home

    if context.invoked_subcommand != "run":  # Which may have another home.
        check_home(Home.default())


@daemon.command()
def start() -> None:
    """Start the daemon if it is not running, and wait until it answers."""
    from photofind.daemon.lifecycle import start
    from photofind.paths import Home

    home = Home.default()
    note(start(home).value + _process(home))


@daemon.command()
def stop() -> None:
    """Stop the daemon; kill it if it does not respond."""
    from photofind.daemon.lifecycle import stop
    from photofind.paths import Home

    note(stop(Home.default()).value)


@daemon.command()
def restart() -> None:
    """Stop the daemon if it is running, and start it."""
    from photofind.daemon.lifecycle import start, stop
    from photofind.paths import Home

    home = Home.default()
    note(stop(home).value)
    note(start(home).value + _process(home))


@daemon.command(short_help="Show whether the daemon is running (the default command).")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(as_json: bool) -> None:
    """Show whether the daemon is running, and whether it starts at login.

    This is the default command. "photofind status" shows what the daemon is doing.
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
    runs = "running" if state.answers else "running, but not responding"
    rows = [("daemon", runs if state.running else "not running")]
    if state.pid is not None:
        rows.append(("process", str(state.pid)))
    if state.version is not None:
        older = "" if state.version == __version__ else "; `photofind daemon restart` updates it"
        rows.append(("version", state.version + older))
    if state.started is not None:
        rows.append(("since", f"{datetime.fromtimestamp(state.started):%Y-%m-%d %H:%M:%S}"))
    if state.port is not None:
        rows.append(("port", str(state.port)))
    at_login = f"{enabled.value}: {service.effect}"
    if enabled is State.ABSENT:
        at_login = f"{enabled.value}; run `photofind daemon enable` to enable it"
    elif enabled is State.OUTDATED:
        at_login = f"{enabled.value}; run `photofind daemon enable` to update it"
    print_table(("", ""), [*rows, ("at login", at_login)])


@daemon.command()
@click.option("--home", type=AbsoluteFolder(), metavar="FOLDER",
              help="The home of the daemon; default: PHOTOFIND_HOME.")  # fmt: skip
def run(home: str | None) -> None:
    """Run the daemon in the foreground, until Ctrl-C or a signal.

    Service managers run this command. Exit code 75 means that a daemon is running already, and 74
    that the disk does not take its files.
    """
    import os

    from photofind.daemon.lifecycle import REFUSED, RUNS_ALREADY
    from photofind.daemon.run import run
    from photofind.desktop.notifications import Notices
    from photofind.errors import DaemonRunsError, LibraryError
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
    except LibraryError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        note(f"photofind: {error.message}", f"  {error.hint}")
        sys.exit(REFUSED)


@daemon.command()
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(0),
              help="Show this many of the last lines.")  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines, until Ctrl-C.")
def logs(lines: int, follow: bool) -> None:
    """Show the daemon's log.

    The setting log_level sets its detail: photofind config set log_level debug
    """
    from photofind.daemon.logs import log_file, read_log
    from photofind.paths import Home

    home = Home.default()
    if not log_file(home).exists():
        note("the daemon has not written a log yet")
    for line in read_log(home, lines, follow=follow):
        print_line(line)


@daemon.command()
def enable() -> None:
    """Start the daemon at login from now on, and start it now."""
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
        if is_running(home):  # The service starts it again below.
            stop(home)
    else:
        note(f"the daemon is enabled already: {service.effect}")
    note(start(home).value + _process(home))


@daemon.command()
def disable() -> None:
    """Stop starting the daemon at login, and stop it now."""
    from photofind.daemon.lifecycle import stop
    from photofind.desktop.autostart import services
    from photofind.paths import Home

    home = Home.default()
    note(stop(home).value)
    removed = [service.remove() for service in services(home)]
    if any(removed):
        note("the daemon no longer starts at login; commands still start it if they need it")
        note("  `photofind config set autostart_daemon false` turns that off")
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
    """Return the daemon's process id as text to append to a line."""
    from photofind.daemon.runtime import read_runtime

    runtime = read_runtime(home)
    return f" (process {runtime.pid})" if runtime else ""
