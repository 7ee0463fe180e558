"""The files that a package puts into the system's folders, all of them but the tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from building.project import PACKAGING, ROOT

__all__ = ["COMMAND", "write_system_files"]

COMMAND = "/usr/bin/photofind"
_COPYRIGHT = """\
photofind is under the Apache License, Version 2.0, below; NOTICE beside this file names what it
contains of others. /opt/photofind holds Python and packages for it too, each under its own licence:
licenses.txt beside this file has all of them. The whole may be passed on by the terms of the GNU
General Public License, version 3, for pillow_heif holds the encoder x265, which is under the GPL.

"""
_COMPLETIONS = {
    "bash": "bash-completion/completions/photofind",
    "zsh": "zsh/vendor-completions/_photofind",
    "fish": "fish/vendor_completions.d/photofind.fish",
}


def write_system_files(usr: Path) -> None:
    """Write the desktop's files, the unit, completions and licences below ``usr``.

    They are what ``photofind desktop install`` writes for one user, for the file managers that
    look for such files in the system's folders: Nautilus with nautilus-python, Nemo, Dolphin,
    PCManFM and PCManFM-Qt. Thunar and Caja have none that a package may add to.
    """
    share = usr / "share"
    _write_desktop_files(share)
    unit = usr / "lib/systemd/user/photofind.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PACKAGING / "systemd" / "photofind.service", unit)
    documents = share / "doc" / "photofind"
    documents.mkdir(parents=True, exist_ok=True)
    copyright_file = _COPYRIGHT + (ROOT / "LICENSE").read_text("utf-8")
    (documents / "copyright").write_text(copyright_file, "utf-8")
    shutil.copy(ROOT / "NOTICE", documents)
    for shell, name in _COMPLETIONS.items():
        path = share / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_completion(shell), "utf-8")


def _write_desktop_files(share: Path) -> None:
    from photofind.desktop.application import Application, desktop_entry
    from photofind.desktop.command import Command
    from photofind.desktop.file_managers.dolphin import Dolphin
    from photofind.desktop.file_managers.nautilus import Nautilus
    from photofind.desktop.file_managers.nemo import Nemo
    from photofind.desktop.file_managers.pcmanfm import PCManFM
    from photofind.desktop.integration import OwnFile, write_file

    command = Command((COMMAND,))
    with _data_folder(share):
        places = [kind(command) for kind in (Application, Dolphin, Nemo, PCManFM)]
        files = dict(file for place in places for file in place.files().items())
        files |= dict([Nautilus(command).extension()])
    # For no types: it could become their default program, where nothing says which one is that.
    # `photofind desktop install` looks, and adds "Open with".
    entry = desktop_entry(command.with_words("gallery", "--"), ())
    files[share.resolve() / "applications/photofind.desktop"] = OwnFile(entry.encode())
    for path, file in files.items():
        write_file(path, file)


@contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    """Let ``folder`` be the one of a user's data."""
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(folder.resolve())
    try:
        yield
    finally:
        del os.environ["XDG_DATA_HOME"]
        if before is not None:
            os.environ["XDG_DATA_HOME"] = before


def _completion(shell: str) -> str:
    from click.shell_completion import get_completion_class

    from photofind.cli import main

    kind = get_completion_class(shell)
    assert kind is not None, shell
    if shell == "bash":
        kind._check_version = staticmethod(lambda: None)  # type: ignore[attr-defined]
    return kind(main, {}, "photofind", "_PHOTOFIND_COMPLETE").source()
