"""All places of the desktop that photofind can be put into on this platform."""

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
    """A place of the desktop as it is, after what was done to it.

    Parameters
    ----------
    name, title
        What commands and what people call it.
    present
        Whether this desktop has it.
    state
        ``installed``, ``outdated`` (as another photofind installed it) or ``not installed``.
    where
        Where people find photofind in it.
    changed
        Whether something was done just now.
    error
        Why it could not be done; None where nothing went wrong.
    """

    name: str
    title: str
    present: bool
    state: str
    where: str
    changed: bool = False
    error: str | None = None


def integrations(names: Sequence[str] = (), command: Command | None = None) -> list[Integration]:
    """Return the integrations of these names; those of this platform where none is named.

    Raises
    ------
    DesktopError
        If there is none of a name.
    """
    known = {kind.name: kind for kind in _kinds()}
    if unknown := [name for name in names if name not in known]:
        raise DesktopError(
            f"there is no {unknown[0]!r} to install photofind in",
            f"there are, on this platform: {', '.join(known)}",
        )
    command = command or Command.installed()
    return [known[name](command) for name in dict.fromkeys(names or known)]


def list_places(names: Sequence[str] = ()) -> list[Place]:
    """Return how the places of these names are; all where none is named."""
    return [_place(integration) for integration in integrations(names)]


def install(names: Sequence[str] = ()) -> list[Place]:
    """Put photofind into the places of these names; into those present where none is named.

    A place that refuses keeps none of the others from it.
    """
    chosen = integrations(names)
    return change_places(
        [one for one in chosen if names or one.is_present()], lambda one: one.install()
    )


def remove(names: Sequence[str] = ()) -> list[Place]:
    """Take photofind out of the places of these names; of all where none is named."""
    return change_places(integrations(names), lambda one: one.remove())


def change_places(chosen: Iterable[Integration], do: Callable[[Integration], bool]) -> list[Place]:
    """Do something to each of them; return how they are then, and what kept it from being done."""
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
