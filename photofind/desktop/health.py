"""Whether photofind is as it should be in the places of the desktop that it was put into."""

from __future__ import annotations

from collections.abc import Iterator

from photofind.desktop import integrations, login
from photofind.desktop.integration import State
from photofind.desktop.integrations import Place
from photofind.model import Check
from photofind.paths import Home

__all__ = ["check_desktop"]


def check_desktop(home: Home, *, repair: bool) -> Iterator[Check]:
    """Yield how photofind stands in file managers, menus and at login.

    Parameters
    ----------
    home
        Whose daemon is started at login.
    repair
        Whether to put what another photofind left into the form of this one.
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
    unwell = [
        place
        for place in places
        if place.error or place.changed or place.state == State.OUTDATED.value
    ]
    installed = [place.title for place in places if place.state == State.INSTALLED.value]
    if not unwell:
        yield Check(name, "ok", ", ".join(installed) or "nothing is installed")
    for place in unwell:
        if place.error:
            yield Check(name, "warning", f"{place.title}: {place.error}")
        elif place.changed:
            yield Check(name, "repaired", f"{place.title}: was of another photofind")
        else:
            advice = "`photofind doctor --repair` puts it right"
            yield Check(name, "warning", f"{place.title}: is of another photofind", advice)
