"""``photofind config``."""

from __future__ import annotations

import click

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_line, print_table
from photofind.cli.parameters import complete_setting

__all__ = ["config"]


@click.group(
    cls=ListingGroup,
    epilog="""\b
Examples:
  photofind config
  photofind config set hits 50
  photofind config set exclude "*.png, Screenshots/"
  photofind config reset hits""",
)
def config() -> None:
    """Show or change the settings."""


@config.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object of all settings.")
def list_all(as_json: bool) -> None:
    """Show all settings (the default command)."""
    with connected() as photofind:
        settings = photofind.list_settings()
    if as_json:
        print_json({setting.name: setting.value for setting in settings})
    else:
        print_table(
            ("setting", "value", "default", "meaning"),
            ((s.name, _as_text(s.value), _as_text(s.default), s.help) for s in settings),
        )


@config.command()
@click.argument("name", shell_complete=complete_setting)
def get(name: str) -> None:
    """Print the value of one setting."""
    from photofind.errors import SettingsError

    with connected() as photofind:
        settings = {setting.name: setting.value for setting in photofind.list_settings()}
    if name not in settings:
        raise SettingsError(f"there is no setting {name!r}", "`photofind config` lists them all")
    print_line(_as_text(settings[name]))


@config.command("set", context_settings={"ignore_unknown_options": True})  # Values like -1.
@click.argument("name", shell_complete=complete_setting)
@click.argument("value")
def set_value(name: str, value: str) -> None:
    """Change a setting.

    Separate the items of a list with commas.
    """
    with connected() as photofind:
        written = photofind.set_setting(name, value)
    note(f"{name} is now {_as_text(written)}")


@config.command()
@click.argument("name", shell_complete=complete_setting)
def reset(name: str) -> None:
    """Reset a setting to its default."""
    with connected() as photofind:
        default = photofind.reset_setting(name)
    note(f"{name} is reset to its default: {_as_text(default)}")


def _as_text(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
