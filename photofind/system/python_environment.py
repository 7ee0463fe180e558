"""Installing distributions into the Python environment that photofind runs in, wherever that is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from photofind.errors import ExtractorError

__all__ = ["install", "uninstall"]

_IDLE_TALK = ("Requirement already satisfied", "Looking in ")
_OWN = "install photofind into an environment of its own: `pipx install photofind`"


def install(requirements: Sequence[str], *, upgrade: bool = False, editable: bool = False) -> None:
    """Install distributions; what the installer says goes to standard error.

    Parameters
    ----------
    requirements
        As pip takes them: names, folders of projects, wheels.
    upgrade
        Whether to replace a version that is there by the newest.
    editable
        Whether a project is used from where it is.

    Raises
    ------
    ExtractorError
        If this environment cannot be changed, or the installer fails.
    """
    wanted = [part for one in requirements for part in (*(["-e"] * editable), one)]
    options = ["--upgrade"] * upgrade
    if (pipx := _pipx()) is not None:
        # pipx remembers what was added, and adds it again where it makes the environment anew.
        flags = ["--editable"] * editable + ["--force"] * upgrade
        command = [pipx, "inject", *flags, Path(sys.prefix).name, *requirements]
    else:
        command = [*_installer("install"), *options, *wanted]
    _run(command, f"{', '.join(requirements)} was not installed")


def uninstall(distribution: str) -> None:
    """Uninstall a distribution; what the installer says goes to standard error.

    Raises
    ------
    ExtractorError
        If this environment cannot be changed, or the installer fails.
    """
    if (pipx := _pipx()) is not None:
        command = [pipx, "uninject", Path(sys.prefix).name, distribution]
    else:
        command = [*_installer("uninstall"), distribution]
    _run(command, f"{distribution} was not uninstalled")


def _pipx() -> str | None:
    """Return the command pipx, if it made this environment."""
    _check_changeable()
    made_by_it = Path(sys.prefix, "pipx_metadata.json").is_file()
    return shutil.which("pipx") if made_by_it else None


def _installer(verb: str) -> list[str]:
    """Return the beginning of a command that installs, or uninstalls, in this environment."""
    if importlib.util.find_spec("pip") is not None:
        options = ["--yes"] if verb == "uninstall" else ["--no-input"]
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", verb, *options]
    if uv := shutil.which("uv"):  # It makes environments without pip.
        return [uv, "pip", verb, "--python", sys.executable]
    raise ExtractorError(
        f"there is neither pip nor uv to install with in {sys.prefix}",
        f"`{sys.executable} -m ensurepip` adds pip",
    )


def _check_changeable() -> None:
    """Raise if nothing can be installed here, with what to do instead."""
    if getattr(sys, "frozen", False) or not sys.executable:
        raise ExtractorError("this photofind is a program that plugins cannot be added to", _OWN)
    if sys.prefix == sys.base_prefix:
        if Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file():
            raise ExtractorError(
                f"photofind runs in the system's Python in {sys.prefix}, which only the system's "
                "package manager may change",
                _OWN,
            )
        return  # pip installs for this user where it may not write.
    packages = sysconfig.get_path("purelib")
    if not os.access(packages, os.W_OK):
        raise ExtractorError(
            f"photofind's environment {sys.prefix} cannot be written to",
            "run the command as the user who installed photofind, or " + _OWN,
        )


def _run(command: Sequence[str], failure: str) -> None:
    """Run an installer, and pass on what it says but for what it need not do."""
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                if not line.startswith(_IDLE_TALK):
                    print(line, end="", file=sys.stderr, flush=True)
    except OSError as error:
        raise ExtractorError(f"{failure}: {error}") from error
    if process.returncode:
        raise ExtractorError(failure, f"{_name(command)} says why, above")


def _name(command: Sequence[str]) -> str:
    return "pip" if "-m" in command else Path(command[0]).name
