"""Parameter types and shell completion, beyond click's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.decorators import FC

from photofind.query_fields import QUERY_FIELDS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "AbsoluteFolder",
    "AbsolutePath",
    "ImagePath",
    "box",
    "complete_extractor",
    "complete_setting",
    "date",
    "query_option",
]

_DATE_FORMATS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def query_option(field: str, **attributes: Any) -> Callable[[FC], FC]:
    """Return the option for a field of a query, under the names that the field has there."""
    return click.option(*QUERY_FIELDS[field].options, field, **attributes)


class AbsolutePath(click.Path):
    """A path, made absolute; symbolic links are kept.

    Whether it exists and can be read is checked by the code that reads it: click would look at the
    file for ever where its drive does not answer.
    """

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the absolute path."""
        path = os.fsdecode(value)
        if not path:
            self.fail("a path cannot be empty", parameter, context)
        return os.path.abspath(path)  # noqa: PTH100


class ImagePath(AbsolutePath):
    """The absolute path of an image, which may be given by its ``file://`` address.

    With the flag ``uris`` it may be given by any address, which is then taken as it is. "-" stays
    what it is: standard input.
    """

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the absolute path, or the URI itself if it is not a local file."""
        text = os.fsdecode(value)
        is_uri = context is not None and context.params.get("uris")
        if text == "-" and not is_uri:
            return text
        if is_uri or text.lower().startswith("file://"):
            from photofind.system.addresses import local_path

            path = local_path(text)
            if path is None and is_uri:
                return text
            if path is None:
                self.fail(f"{text} is a file of another computer", parameter, context)
            value = path
        return super().convert(value, parameter, context)


class AbsoluteFolder(AbsolutePath):
    """An absolute path; shells complete it with folders only."""

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the item that makes the shell complete folders."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="dir")]


def date(typed: str) -> str:
    """Return a date in ISO 8601, as precise as it was typed: from a year to a second."""
    for form in _DATE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(typed.strip().replace(" ", "T"), form).strftime(form)
    raise click.BadParameter(
        f"{typed!r} is not a date; use the form 2021, 2021-05, 2021-05-03 or 2021-05-03T14:30"
    )


def box(typed: str) -> tuple[float, ...]:
    """Return a part of a photo, typed as ``x,y,width,height`` in fractions of its sides."""
    from photofind.model.parameters import checked_box

    try:
        return checked_box([float(number) for number in typed.split(",")])
    except ValueError as error:
        raise click.BadParameter(
            f"{typed!r} is no part of a photo: use four numbers from 0 to 1, as in 0.5,0.2,0.3,0.4"
        ) from error


def complete_setting(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the settings whose names begin with ``incomplete``, each with its help."""
    from click.shell_completion import CompletionItem

    from photofind.settings import Settings

    return [
        CompletionItem(field.name, help=field.metadata["help"])
        for field in fields(Settings)
        if field.name.startswith(incomplete)
    ]


def picture_size(typed: str) -> tuple[int, int]:
    """Return a height and a width in pixels, typed as ``224x224``."""
    height, _, width = typed.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) > 0 and int(width) > 0):
        raise click.BadParameter(f"{typed!r} is not a size; use the form 224x224")
    return int(height), int(width)


def complete_extractor(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the extractors whose names begin with ``incomplete``."""
    from click.shell_completion import CompletionItem

    from photofind.extractors.registry import installed

    return [
        CompletionItem(plugin.name, help=plugin.distribution)
        for plugin in installed()
        if plugin.name.startswith(incomplete)
    ]
