"""Groups of commands, which print an expected error as one line and a hint."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from photofind.cli.output import note, prepare_streams
from photofind.errors import ExtractorError, PhotofindError, WorkerError
from photofind.system.terminal import shown

__all__ = ["CommandGroup", "ListingGroup"]


class CommandGroup(click.Group):
    """A click group whose commands fail with one line, an optional hint, and exit code 1.

    With ``--debug`` the traceback is shown instead.
    """

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments of this process up to the command."""
        with _escaped_usage_errors():
            return super().make_context(*arguments, **options)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in the order in which they were added."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        prepare_streams()
        try:
            with _escaped_usage_errors():
                return super().invoke(context)
        except PhotofindError as error:
            if context.params.get("debug"):
                if isinstance(error, WorkerError | ExtractorError) and error.details:
                    note(*error.details.splitlines())
                raise
            note(f"photofind: {error.message}")
            if error.hint:
                note(f"  {error.hint}")
        except KeyboardInterrupt:
            note("photofind: interrupted")
            sys.exit(130)
        except BrokenPipeError:  # The reader closed the pipe; click exits silently.
            raise
        except OSError as error:
            _give_up_stdout()
            if context.params.get("debug"):
                raise
            where = f": {error.filename}" if error.filename else ""
            note(f"photofind: {error.strerror or error}{where}")
        sys.exit(1)


def _give_up_stdout() -> None:
    """Let what cannot be written to stdout go: Python would try again, and complain, at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _escaped_usage_errors() -> Iterator[None]:
    """Keep click from printing arguments as they came."""
    try:
        yield
    except click.ClickException as error:
        message = shown(error.format_message())
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise


class ListingGroup(click.Group):
    """A click group with a default command, usually ``list``."""

    default = "list"

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Insert the default command if no command is named."""
        names_none = not args or (
            args[0].startswith("-") and args[0] not in context.help_option_names
        )
        if names_none and not context.resilient_parsing:  # Not during shell completion.
            args = [self.default, *args]
        return super().parse_args(context, args)
