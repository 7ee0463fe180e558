"""What commands take, beyond click's own types."""

from __future__ import annotations

import os
from typing import Any

import click

__all__ = ["AbsolutePath"]


class AbsolutePath(click.Path):
    """A path, made absolute; links in it are kept as they were typed."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the absolute path."""
        path = os.fsdecode(super().convert(value, parameter, context))
        return os.path.abspath(path)  # noqa: PTH100
