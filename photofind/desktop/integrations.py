"""All desktop integrations of this platform."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from photofind.desktop.command import Command
from photofind.desktop.integration import Integration, State
from photofind.errors import DesktopError

__all__ = ["Place", "change_places", "install", "integrations", "list_places", "remove"]


@dataclass(frozen=True)
class Place:
    """The state of an integration, after a change.

    Parameters
    ----------
    name, title
        Its names in commands and for users.
    present
        Whether this desktop has the place.
    state
        ``installed``, ``outdated`` (by another version or copy of photofind) or ``not installed``.
    where
        Where users find photofind in it.
    changed
        Whether it was just changed.
    error
        Why the change failed; None without an error.
    """

    name: str
    title: str
    present: bool
    state: str
    where: str
    changed: bool = False
    error: str | None = None


def integrations(names: Sequence[str] = (), command: Command | None = None) -> list[Integration]:
    """Return the integrations with these names, or all of this platform.

    Raises
    ------
    DesktopError
        If there is no integration with a given name.
    """
    by_name = {kind.name: kind for kind in _kinds()}
    if unknown := [name for name in names if name not in by_name]:
        raise DesktopError(
            f"photofind cannot be installed in {unknown[0]!r}",
            f"on this platform it can be installed in: {', '.join(by_name)}",
        )
    command = command or Command.installed()
    return [by_name[name](command) for name in dict.fromkeys(names or by_name)]


def list_places(names: Sequence[str] = ()) -> list[Place]:
    """Return the state of the places with these names, or of all."""
    return [_place(integration) for integration in integrations(names)]


def install(names: Sequence[str] = ()) -> list[Place]:
    """Install photofind in the places with these names, or in all that are present.

    An error in one place does not affect the others.
    """
    chosen = integrations(names)
    return change_places(
        [one for one in chosen if names or one.is_present()], lambda one: one.install()
    )


def remove(names: Sequence[str] = ()) -> list[Place]:
    """Remove photofind from the places with these names, or from all."""
    return change_places(integrations(names), lambda one: one.remove())


def change_places(chosen: Iterable[Integration], do: Callable[[Integration], bool]) -> list[Place]:
    """Apply ``do`` to each integration; return the new states, with the errors."""
    places = []
    for integration in chosen:
        try:
            places.append(_place(integration, changed=do(integration)))
        except (DesktopError, OSError) as error:
            places.append(_place(integration, error=str(error)))
    return places


def _place(integration: Integration, *, changed: bool = False, error: str | None = None) -> Place:
    try:
        state = integration.status()
    except (DesktopError, OSError) as trouble:
        state, error = State.ABSENT, error or str(trouble)
    return Place(
        integration.name,
        integration.title,
        integration.is_present(),
        state.value,
        integration.where,
        changed,
        error,
    )


def _kinds() -> tuple[type[Integration], ...]:
    if sys.platform == "win32":
        from photofind.desktop.file_managers.explorer import Explorer

        return (Explorer,)
    elif sys.platform == "darwin":  # noqa: RET505
        from photofind.desktop.file_managers.finder import Finder

        return (Finder,)
    else:
        from photofind.desktop.application import Application
        from photofind.desktop.file_managers.caja import Caja
        from photofind.desktop.file_managers.dolphin import Dolphin
        from photofind.desktop.file_managers.nautilus import Nautilus
        from photofind.desktop.file_managers.nemo import Nemo
        from photofind.desktop.file_managers.pcmanfm import PCManFM
        from photofind.desktop.file_managers.thunar import Thunar

        return (Application, Nautilus, Nemo, Caja, Thunar, Dolphin, PCManFM)
