"""Explorer (Windows): a verb for each photo suffix and for folders, in the user's registry."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import files as resources

from photofind.desktop.command import Command
from photofind.desktop.file_managers.menu import KNOWN_LABEL, LABEL
from photofind.desktop.integration import Integration, State
from photofind.desktop.registry import Registry, user_registry
from photofind.images.formats import PHOTO_SUFFIXES

__all__ = ["Explorer"]

_CLASSES = r"Software\Classes\SystemFileAssociations"
_VERB = "photofind.similar"
_FOLDERS = r"Software\Classes\Directory"
_FOLDER_VERB = rf"{_FOLDERS}\shell\photofind.known"


class Explorer(Integration):
    """A verb in the menus of photos and folders; Windows 11 shows it under "Show more options".

    Explorer starts the command once for each selected file; ``--gather`` combines them into one
    query.
    """

    name = "explorer"
    title = "Explorer"
    where = f"right-click a photo, {LABEL}; on Windows 11 under Show more options"

    def __init__(self, command: Command, registry: Registry | None = None) -> None:
        super().__init__(command)
        self._registry = registry

    def is_present(self) -> bool:
        """Return whether this is Windows, where Explorer is always there."""
        return sys.platform == "win32"

    def install(self) -> bool:
        """Write the verbs; see :meth:`Integration.install`."""
        changed = False
        for key, name, value in self._values():
            if self._own.value(key, name) != value:
                self._own.set_value(key, name, value)
                changed = True
        return changed

    def remove(self) -> bool:
        """Remove the verbs, and keys that become empty."""
        kinds = [(_verb(suffix), rf"{_CLASSES}\{suffix}") for suffix in sorted(PHOTO_SUFFIXES)]
        kinds.append((_FOLDER_VERB, _FOLDERS))
        return bool([verb for verb, kind in kinds if self._remove_verb(verb, kind)])

    def status(self) -> State:
        """Compare the verbs with the expected ones."""
        values = list(self._values())
        found = [self._own.value(key, name) for key, name, _ in values]
        if found == [value for *_, value in values]:
            return State.INSTALLED
        return State.ABSENT if all(value is None for value in found) else State.OUTDATED

    @property
    def _own(self) -> Registry:
        if self._registry is None:
            self._registry = user_registry()
        return self._registry

    def _values(self) -> Iterator[tuple[str, str, str]]:
        """Yield the key, name and content of each value."""
        command = self.command.similar_one_by_one.for_windows()
        icon = str(resources("photofind.desktop").joinpath("assets", "photofind.ico"))
        for suffix in sorted(PHOTO_SUFFIXES):
            verb = _verb(suffix)
            yield verb, "", LABEL
            yield verb, "Icon", icon
            yield (
                verb,
                "MultiSelectModel",
                "Player",
            )  # Any number of files, not only 15.
            # Names on Windows cannot contain quotation marks.
            yield rf"{verb}\command", "", f'{command} "%1"'
        yield _FOLDER_VERB, "", KNOWN_LABEL
        yield _FOLDER_VERB, "Icon", icon
        known = self.command.known.for_windows()
        # Of a drive, whose path ends with a backslash, which would escape the quotation mark.
        yield rf"{_FOLDER_VERB}\command", "", f'{known} "%V\\."'

    def _remove_verb(self, verb: str, kind: str) -> bool:
        registry = self._own
        own = [(key, name) for key, name, _ in self._values() if key.startswith(verb)]
        present = [(key, name) for key, name in own if registry.value(key, name) is not None]
        for key, name in present:
            registry.remove_value(key, name)
        if present:
            for key in (rf"{verb}\command", verb, rf"{kind}\shell", kind):
                if registry.is_empty(key):
                    registry.remove_key(key)
        return bool(present)


def _verb(suffix: str) -> str:
    return rf"{_CLASSES}\{suffix}\shell\{_VERB}"
