"""The group that holds all commands, and turns what goes wrong in them into one clear line."""

from __future__ import annotations

import sys
from typing import Any

import click

from photofind.cli.output import note
from photofind.errors import PhotofindError, WorkerError

__all__ = ["CommandGroup"]


class CommandGroup(click.Group):
    """A click group whose commands fail with one line and exit code 1.

    With ``--debug`` the traceback is shown instead.
    """

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(context)
        except PhotofindError as error:
            if context.params.get("debug"):
                if isinstance(error, WorkerError) and error.details:
                    note(*error.details.splitlines())
                raise
            note(f"photofind: {error.message}")
            if error.hint:
                note(f"  {error.hint}")
        except KeyboardInterrupt:
            note("photofind: stopped; what was done is kept")
            sys.exit(130)
        except BrokenPipeError:
            raise
        except OSError as error:
            if context.params.get("debug"):
                raise
            where = f": {error.filename}" if error.filename else ""
            note(f"photofind: {error.strerror or error}{where}")
        sys.exit(1)
