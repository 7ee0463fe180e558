"""``python -m photofind``: the same as the command ``photofind``."""

from __future__ import annotations

from photofind.cli import main

main(prog_name="photofind")
