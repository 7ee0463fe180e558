"""Folders that were added: people are told once all of their photos can be searched."""

from __future__ import annotations

from collections.abc import Iterable

from photofind.indexing.agenda import Agenda
from photofind.indexing.backlog import Backlog
from photofind.indexing.notices import Notices

__all__ = ["NewFolders"]


class NewFolders:
    """The folders that have not been indexed once since they were added.

    Parameters
    ----------
    agenda, backlog
        Show what is still to be done.
    notices
        Told which folders have been indexed.
    """

    def __init__(self, agenda: Agenda, backlog: Backlog, notices: Notices) -> None:
        self._agenda = agenda
        self._backlog = backlog
        self._notices = notices
        self._paths: set[str] = set()

    def update(self, paths: Iterable[str]) -> None:
        """Take in folders that were added."""
        self._paths.update(paths)

    def greet(self) -> None:
        """Tell of those that have been indexed for the first time, if nothing is left of them."""
        agenda, backlog = self._agenda, self._backlog
        is_left = backlog.new or backlog.urgent
        if self._paths and not (is_left or agenda.has_scans or agenda.has_places):
            folders = sorted(self._paths)
            self._paths.difference_update(folders)
            self._notices.first_indexed(folders)
