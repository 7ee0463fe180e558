"""What the terminal draws pictures by: asked of it, or of tmux where it runs in that.

tmux answers for itself. It says that it draws sixel whatever terminal it runs in, and takes the
question for kitty's protocol for the title of a pane. So tmux is asked for its terminal's features.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Drawing", "drawing"]

Protocol = Literal["sixel", "kitty", "kitty through tmux", "half blocks"]

_SECONDS = 1.0
"""How long a terminal may take to answer, far away behind a slow line."""
_TMUX_SECONDS = 5.0

_TO_TMUX = "\x1bPtmux;"
_ATTRIBUTES = b"\x1b[c"
_KITTY = b"\x1b_Gi=1,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_ANSWERED = re.compile(rb"\x1b\[\?([0-9;]*)c")

_ASKED = "#{client_termfeatures}|#{client_termname} #{client_termtype}|#{allow-passthrough}"
# Terminals that put pictures where text names them (Unicode placeholders), which tmux can move.
_PLACING = ("kitty", "ghostty")


@dataclass(frozen=True)
class Drawing:
    """Draws pictures in the terminal.

    Parameters
    ----------
    protocol
        What the terminal draws by.
    hint
        What would make it draw better; empty where nothing would.
    """

    protocol: Protocol
    hint: str = ""

    @property
    def draws_pixels(self) -> bool:
        """Whether the terminal draws pixels, not half blocks of colour."""
        return self.protocol != "half blocks"

    def console(self) -> Console:
        """Return what prints to the terminal."""
        from rich.console import Console

        if self.protocol.startswith("kitty"):  # Colours name its pictures.
            return Console(highlight=False, color_system="truecolor", no_color=False)
        return Console(highlight=False)

    def print(self, console: Console, picture: Any, width: int, height: int) -> None:
        """Print a picture of Pillow, so many characters wide and high."""
        asks = self.protocol in ("sixel", "kitty")
        stream = sys.__stdout__ if asks else _NotAsked(sys.__stdout__)
        with _using("__stdout__", stream):
            console.print(self._renderable(picture, width, height))
        if self.protocol == "sixel" and os.environ.get("TMUX"):
            # The last band of sixels is higher than its line; tmux drops what is written over.
            console.line()

    def _renderable(self, picture: Any, width: int, height: int) -> Any:
        from textual_image import renderable

        make: Any = {
            "sixel": renderable.SixelImage,
            "kitty": renderable.TGPImage,
            "kitty through tmux": renderable.TGPImage,
            "half blocks": renderable.HalfcellImage,
        }[self.protocol]
        return make(picture, width=width, height=height)


@contextmanager
def drawing() -> Iterator[Drawing]:
    """Ask the terminal of standard output what it draws by; pictures are printed in the block."""
    logging.getLogger("textual_image").setLevel(logging.ERROR)  # It warns of what is not known.
    with _using("__stdout__", None):  # Where it is a terminal, importing asks it.
        from textual_image import renderable  # noqa: F401
    with _keyboard() as keyboard, _using("__stdin__", keyboard):
        yield _asked()


@cache
def _asked() -> Drawing:
    if os.environ.get("TMUX"):
        return _in_tmux()
    if os.environ.get("TERM", "").startswith(("tmux", "screen")):  # On another machine.
        return Drawing("half blocks")
    if sys.platform == "win32":
        from textual_image.renderable import sixel

        return Drawing("sixel" if sixel.query_terminal_support() else "half blocks")
    attributes = _answer(_ATTRIBUTES)
    if _says_sixel(attributes):
        return Drawing("sixel")
    # What answers the first answers it after the second too, so nobody waits in vain.
    draws = attributes is not None and b";OK\x1b" in (_answer(_KITTY + _ATTRIBUTES) or b"")
    return Drawing("kitty" if draws else "half blocks")


def _answer(question: bytes) -> bytes | None:
    """Return what the terminal answers up to its attributes; None where it does not."""
    import select
    import termios
    import tty

    if sys.__stdin__ is None or sys.__stdout__ is None:
        return None
    keyboard, said = sys.__stdin__.fileno(), b""
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard, termios.TCSANOW)
    try:
        os.write(sys.__stdout__.fileno(), question)
        while _ANSWERED.search(said) is None:
            if not select.select([keyboard], [], [], _SECONDS)[0]:
                return None
            part = os.read(keyboard, 256)
            if not part:
                return None
            said += part
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
    return said


def _says_sixel(attributes: bytes | None) -> bool:
    found = _ANSWERED.search(attributes or b"")
    return found is not None and b"4" in found[1].split(b";")


def _in_tmux() -> Drawing:
    words = ["tmux", "display-message", "-p", "-t", os.environ.get("TMUX_PANE", ""), _ASKED]
    try:
        run = subprocess.run(words, capture_output=True, timeout=_TMUX_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Drawing("half blocks")
    told = run.stdout.decode("utf-8", "replace").strip()
    features, terminal, passes = (told.split("|") + 3 * [""])[:3]
    if "sixel" in features.split(",") and _says_sixel(_answer(_ATTRIBUTES)):
        return Drawing("sixel")
    if any(name in terminal.lower() for name in _PLACING):
        if passes in ("on", "all"):
            return Drawing("kitty through tmux")
        return Drawing("half blocks", "`tmux set -g allow-passthrough on` lets tmux show pictures")
    return Drawing("half blocks")


@contextmanager
def _keyboard() -> Iterator[IO[str] | None]:
    """Give what the terminal answers through; None where there is nothing.

    Standard input may be a picture.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        yield sys.__stdin__
        return
    try:
        terminal = open("/dev/tty", encoding="ascii", errors="replace")  # noqa: PTH123, SIM115
    except OSError:
        yield None
        return
    with terminal:
        yield terminal


@contextmanager
def _using(name: str, stream: Any) -> Iterator[None]:
    """Have textual-image use another stream in a block than the interpreter's own."""
    own = getattr(sys, name)
    setattr(sys, name, stream)
    try:
        yield
    finally:
        setattr(sys, name, own)


class _NotAsked:
    """A stream to a terminal that is asked nothing; what draws is passed on to it by tmux."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if not text.startswith(_TO_TMUX):  # Newer versions of textual-image do so themselves.
            text = f"{_TO_TMUX}{text.replace(chr(27), chr(27) * 2)}\x1b\\"
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
