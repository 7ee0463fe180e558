"""Indexing in this process, without a daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from photofind.app.extractors import note_answering
from photofind.app.fleets import reading_by_fleet
from photofind.app.library_folders import chosen_folders
from photofind.app.resources import Resources
from photofind.extractors.extraction import Extraction
from photofind.indexing.index_maintenance.background import build_graphs, build_in_background
from photofind.indexing.index_maintenance.maintenance import maintain, space_wants_graph
from photofind.indexing.one_shot import index_once
from photofind.library.extractor_memory import ExtractorMemory
from photofind.model import Progress, Report

__all__ = ["index_folders"]


def index_folders(
    resources: Resources,
    folders: Sequence[str] | None,
    *,
    accept_removals: bool,
    retry_failed: bool,
    wait: bool,
    fleet: str | None,
    progress: Callable[[Progress], None],
) -> Report:
    """Bring the library up to date with its folders, by each extractor in use.

    The parameters and errors are those of :meth:`photofind.app.photofind.PhotoFind.index`.
    """

    def say(phase: str) -> None:
        progress(Progress(phase, 0))

    def extraction(name: str) -> Extraction:
        say("starting the extractor")
        return resources.extraction(name)

    home = resources.home
    with resources.writing() as store:
        chosen = chosen_folders(store, folders)
        store.verify()
        found = store.problems
        with reading_by_fleet(resources, fleet, extraction) as of_fleet:
            report, spaces = index_once(
                store,
                extraction,
                resources.settings,
                None if folders is None else chosen,
                apart=[str(home.root)],
                accept_removals=accept_removals,
                retry_failed=retry_failed,
                progress=progress,
                reach=resources.reach,
                memory=ExtractorMemory(home, writable=True),
            )
        note_answering(resources)
        notes = [*of_fleet, *report.notes, *maintain(store, home, spaces, say)]
        # What was found is told, even if it is solved by now.
        notes = [*dict.fromkeys([*found, *store.problems]), *notes]
        graph_is_wanted = any(space_wants_graph(store, space) for space in spaces)
    if graph_is_wanted and wait:
        say("building the graph")
        notes += build_graphs(home)
    elif graph_is_wanted:
        build_in_background(home)
    return replace(report, notes=tuple(notes))
