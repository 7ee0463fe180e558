"""Checks of the desktop integration, for ``photofind doctor``."""

from __future__ import annotations

from collections.abc import Iterator

from photofind.desktop import integrations, login
from photofind.desktop.integration import State
from photofind.desktop.integrations import Place
from photofind.model import Check
from photofind.paths import Home

__all__ = ["check_desktop"]


def check_desktop(home: Home, *, repair: bool) -> Iterator[Check]:
    """Yield checks of photofind's entries in file managers and menus and at login.

    Parameters
    ----------
    home
        The home whose daemon is started at login.
    repair
        Whether to update entries of another version or installation of photofind.
    """
    places = {place.name: place for place in integrations.list_places()}
    outdated = [name for name, place in places.items() if place.state == State.OUTDATED.value]
    if outdated and repair:
        places |= {place.name: place for place in integrations.install(outdated)}
    yield from _checks("desktop", [*places.values()])

    at_login = login.list_places(home)
    if repair and any(place.state == State.OUTDATED.value for place in at_login):
        at_login = login.set_autostart(home, on=True)
    yield from _checks("at login", at_login)


def _checks(name: str, places: list[Place]) -> Iterator[Check]:
    noteworthy = [
        place
        for place in places
        if place.error or place.changed or place.state == State.OUTDATED.value
    ]
    installed = [place.title for place in places if place.state == State.INSTALLED.value]
    if not noteworthy:
        yield Check(name, "ok", ", ".join(installed) or "nothing is installed")
    for place in noteworthy:
        if place.error:
            yield Check(name, "warning", f"{place.title}: {place.error}")
        elif place.changed:
            yield Check(name, "repaired", f"{place.title}: updated from another photofind")
        else:
            advice = "`photofind doctor --repair` updates it"
            message = f"{place.title}: installed by another version or copy of photofind"
            yield Check(name, "warning", message, advice)
