"""Indexing by a command, without a daemon: the same steps, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from photofind.indexing.agenda import Agenda
from photofind.indexing.debouncer import SETTLE, Debouncer
from photofind.indexing.manner import ONE_SHOT
from photofind.indexing.notices import Notices
from photofind.indexing.pausing import Pause
from photofind.indexing.requests import Request
from photofind.indexing.steps import IndexingSteps
from photofind.library.store import Store
from photofind.model import Event, Progress, Report
from photofind.model.records import Folder, watched_here
from photofind.settings import Settings
from photofind.system.reach import Reach

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction
    from photofind.library.extractor_memory import ExtractorMemory

__all__ = ["Indexed", "index_once"]


class Indexed(NamedTuple):
    """The report of an indexing, and the ids of the spaces of the extractors that work."""

    report: Report
    spaces: list[str]


def index_once(
    store: Store,
    extraction: Callable[[str], Extraction],
    settings: Settings,
    folders: Sequence[Folder] | None = None,
    *,
    apart: Sequence[str] = (),
    accept_removals: bool = False,
    retry_failed: bool = False,
    settle: float = SETTLE,
    progress: Callable[[Progress], None] = lambda progress: None,
    reach: Reach | None = None,
    memory: ExtractorMemory | None = None,
) -> Indexed:
    """Bring a library up to date with its folders; only what is new or changed is read.

    Safe to interrupt at any moment: what is committed stays, and the next run does the rest. So
    it also finds whatever was missed before.

    Parameters
    ----------
    store
        Open for writing.
    extraction
        Gives what reads photos and embeds them with an extractor, by its name.
    settings
        Which extractors are in use, and the exclude rules for all folders.
    folders
        Those to index, out of the library's; all of them where not given.
    apart
        What is part of no folder: photofind's home.
    accept_removals
        Believe that photos are gone even where nearly all of a folder's are.
    retry_failed
        Read photos again that failed before, though they have not changed.
    settle
        Seconds for which a file must not have changed before it is read.
    progress
        Called with how far it is, about ten times a second.
    reach
        Touches the files of the folders.
    memory
        Where the space of each extractor is noted.

    Raises
    ------
    LibraryError
        The disk refused; what was committed before stays.
    ExtractorError
        No extractor in use works.
    KeyboardInterrupt
        As it came; all batches that were read are committed.
    """

    def show(event: Event) -> None:
        if event.kind == "activity" and event.data is not None:
            progress(event.data)

    only = None if folders is None else {folder.path for folder in folders}
    chosen = watched_here(store.folders()) if folders is None else folders
    request = Request(
        [folder.path for folder in chosen],
        accept_removals=accept_removals,
        retry_failed=retry_failed,
        counts_backlog=True,
    )
    agenda = Agenda(settings, Debouncer(settle))
    agenda.request(request)
    steps = IndexingSteps(
        store,
        extraction,
        agenda,
        Notices(store, show),
        Pause(),
        ONE_SHOT,
        apart=apart,
        only=only,
        reach=reach or Reach(lambda: [folder.path for folder in store.folders()]),
        memory=memory,
    )
    while True:
        if not steps.step() and not steps.queues.wait_for_loading():
            if request.is_done or not agenda.has_places:
                break
            agenda.wait(None)
    request.finish(steps.queues.problems)
    return Indexed(request.wait(), steps.queues.spaces)
