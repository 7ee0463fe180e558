"""The writer sees that the files of the library are the ones it knows."""

from __future__ import annotations

from collections.abc import Callable

from photofind.library.embedded import upkeep
from photofind.library.embedded.catalog import Catalog
from photofind.library.embedded.problems import Problems
from photofind.library.embedded.spaces import Spaces
from photofind.library.lock import is_written
from photofind.paths import Home
from photofind.system.disk import explain_disk_errors
from photofind.system.held_lock import HeldLock

__all__ = ["FilesInUse"]


class FilesInUse:
    """The lock, the catalog and the vectors of one writer, which others may remove or replace.

    Parameters
    ----------
    lock
        That of the writer.
    problems
        Told what became of the files.
    forget
        Called when another catalog took the place of the known one.
    """

    def __init__(
        self,
        home: Home,
        lock: HeldLock,
        catalog: Catalog,
        spaces: Spaces,
        problems: Problems,
        forget: Callable[[], None],
    ) -> None:
        self._home = home
        self._lock = lock
        self._catalog = catalog
        self._spaces = spaces
        self._problems = problems
        self._forget = forget

    def look(self) -> bool:
        """See that this process is the writer, of the catalog that it knows; return if it changed.

        Raises
        ------
        LockedError
            The lock was removed, and another process has it now.
        """
        storage = self._catalog.storage
        if storage.is_changing:
            return False
        with explain_disk_errors(self._home.lock):
            if not self._lock.keep():
                raise is_written(self._home)
        folders, spaces = self._catalog.known_folders, self._catalog.spaces()
        apart, judged = self._catalog.told_apart(), self._catalog.judgements.all()
        said = self._catalog.tag_judgements.all()
        changed = storage.refresh()
        if storage.replaced:
            self._problems.add(storage.replaced, upkeep.indexed_since(self._catalog))
            storage.replaced = None
            self._forget()
            upkeep.recover(self._home, self._catalog, self._spaces, self._problems)
            upkeep.restore(self._catalog, self._spaces, folders, spaces, apart, judged, said)
        return changed

    def repair_vectors(self) -> int:
        """Repair vectors that were removed, cut or replaced; return how many photos lost one."""
        return sum(
            upkeep.repair(self._catalog, self._spaces, space, self._problems)
            for space in self._catalog.spaces()
            if not self._spaces.vectors(space.id).is_in_place()
            or not self._spaces.vectors(space.id).is_whole
        )

    def release(self) -> None:
        """Let others write."""
        self._lock.release()
