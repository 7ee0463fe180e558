"""``photofind pause`` and ``photofind resume``."""

from __future__ import annotations

import re

import click

from photofind.cli.connection import connected
from photofind.cli.output import note

__all__ = ["pause", "resume"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(typed: str) -> float:
    """Return a time span such as 90s, 15m, 2h or 1h30m in seconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", typed.strip().lower())
    if not parts or "".join(map("".join, parts)) != typed.strip().lower():
        raise click.BadParameter(f"{typed!r} is no time span; type one as 90s, 15m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@click.command(
    short_help="Have the daemon leave files alone for a while.",
    epilog="""\b
Examples:
  photofind pause
  photofind pause --for 2h""",
)
@click.option("--for", "seconds", type=_seconds, metavar="TIME",
              help="Go on by itself after so long: 90s, 15m, 2h, 1h30m.")  # fmt: skip
def pause(seconds: float | None) -> None:
    """Have the daemon leave files alone, at once; answering goes on.

    It goes on with "photofind resume", or after the time that --for says.
    """
    with connected() as photofind:
        photofind.pause(seconds)
    if seconds is None:
        note("indexing is paused; `photofind resume` lets it go on")
    else:
        note(f"indexing is paused for {seconds:,.0f} s; `photofind resume` lets it go on sooner")


@click.command(
    epilog="""\b
Example:
  photofind resume"""
)
def resume() -> None:
    """Let the daemon go on with what "photofind pause" stopped."""
    with connected() as photofind:
        photofind.resume()
    note("indexing goes on")
