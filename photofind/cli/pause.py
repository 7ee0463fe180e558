"""``photofind pause`` and ``photofind resume``."""

from __future__ import annotations

import re

import click

from photofind.cli.connection import connected
from photofind.cli.output import note

__all__ = ["pause", "resume"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(typed: str) -> float:
    """Return a duration such as 90s, 15m, 2h or 1h30m in seconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", typed.strip().lower())
    if not parts or "".join(map("".join, parts)) != typed.strip().lower():
        raise click.BadParameter(f"{typed!r} is not a duration; use the form 90s, 15m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@click.command(
    short_help="Pause indexing.",
    epilog="""\b
Examples:
  photofind pause
  photofind pause --for 2h""",
)
@click.option("--for", "seconds", type=_seconds, metavar="TIME",
              help="Resume after this time: 90s, 15m, 2h, 1h30m.")  # fmt: skip
def pause(seconds: float | None) -> None:
    """Pause indexing. Searches are still answered.

    Indexing resumes with "photofind resume", or after the time given with --for.
    """
    with connected() as photofind:
        photofind.pause(seconds)
    if seconds is None:
        note("indexing is paused; `photofind resume` resumes it")
    else:
        note(f"indexing is paused for {seconds:,.0f} s; `photofind resume` resumes it sooner")


@click.command(
    epilog="""\b
Example:
  photofind resume"""
)
def resume() -> None:
    """Resume indexing after "photofind pause"."""
    with connected() as photofind:
        photofind.resume()
    note("indexing is resumed")
