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
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Drawing", "drawing"]

Protocol = Literal["sixel", "kitty", "kitty through tmux", "half blocks"]

_SECONDS = 1.0
"""How long a terminal may take to answer, far away behind a slow line."""
_TMUX_SECONDS = 5.0

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
        through = self.protocol == "kitty through tmux"
        # Only what draws goes there; text reaches the console another way.
        passing = _using("__stdout__", _ThroughTmux(sys.__stdout__)) if through else nullcontext()
        with passing:
            console.print(self._renderable(picture, width, height))

    def _renderable(self, picture: Any, width: int, height: int) -> RenderableType:
        from textual_image import renderable

        make = {
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


class _ThroughTmux:
    """A stream that has tmux pass on to its terminal what is written."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return int(self._stream.write(f"\x1bPtmux;{text.replace(chr(27), chr(27) * 2)}\x1b\\"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
