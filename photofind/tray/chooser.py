"""A dialog for choosing photos or a folder, without GTK."""

from __future__ import annotations

import json
import subprocess
import sys

__all__ = ["choose_in_dialog"]

_APPLE = {
    False: 'file with prompt title of type {"public.image"} with multiple selections allowed',
    True: "folder with prompt title with multiple selections allowed",
}
_APPLE_SCRIPT = """\
on run arguments
set title to item 1 of arguments
set chosen to ""
repeat with one in (choose %s)
set chosen to chosen & POSIX path of one & (ASCII character 0)
end repeat
return chosen
end run"""

_TK_SCRIPT = """\
import json, sys, tkinter
from tkinter import filedialog
root = tkinter.Tk()
root.withdraw()
root.attributes("-topmost", True)
title, folder, patterns = json.loads(sys.argv[1])
if folder:
    chosen = [filedialog.askdirectory(title=title, mustexist=True)]
else:
    kinds = [("Photos", patterns), ("All files", "*")]
    chosen = filedialog.askopenfilenames(title=title, filetypes=kinds)
print(json.dumps([path for path in chosen if path]))
"""


def choose_in_dialog(title: str, *, folder: bool) -> list[str] | None:
    """Wait until photos or a folder are chosen; empty if the dialog was cancelled.

    Returns
    -------
    list of str or None
        Their paths; None if no dialog can be shown.
    """
    if sys.platform == "darwin":
        output = _output(["osascript", "-e", _APPLE_SCRIPT % _APPLE[folder], title])
        if output is None:
            return None
        return [path for path in output.rstrip("\n").split("\0") if path]
    from photofind.images.formats import PHOTO_SUFFIXES

    # Tk needs the main thread of a process, which the icon uses here.
    patterns = [f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES)]
    arguments = json.dumps([title, folder, patterns])
    chosen = _output([sys.executable, "-P", "-c", _TK_SCRIPT, arguments])
    return None if chosen is None else [str(path) for path in json.loads(chosen)]


def _output(words: list[str]) -> str | None:
    """Return the output of a program; None if it fails, but empty if AppleScript was cancelled."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    if done.returncode:
        return "" if "-128" in done.stderr else None  # AppleScript's number for "cancelled".
    return done.stdout
