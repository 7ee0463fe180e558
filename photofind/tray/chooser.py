"""A dialog in which photos or a folder are chosen, where GTK is not at hand."""

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
set told to ""
repeat with one in (choose %s)
set told to told & POSIX path of one & (ASCII character 0)
end repeat
return told
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
    """Wait until photos, or a folder, are chosen; none where the dialog was closed.

    Returns
    -------
    list of str or None
        Their paths; None where no dialog can be shown.
    """
    if sys.platform == "darwin":
        told = _output(["osascript", "-e", _APPLE_SCRIPT % _APPLE[folder], title])
        return None if told is None else [path for path in told.rstrip("\n").split("\0") if path]
    from photofind.images.formats import PHOTO_SUFFIXES

    # Tk wants the main thread of a process, which belongs to the icon here.
    patterns = [f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES)]
    arguments = json.dumps([title, folder, patterns])
    told = _output([sys.executable, "-P", "-c", _TK_SCRIPT, arguments])
    return None if told is None else [str(path) for path in json.loads(told)]


def _output(words: list[str]) -> str | None:
    """Return what a program writes; None where it fails, which closing a dialog is for Apple."""
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
