"""Indexing in this process, without a daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from photofind.app.library_folders import chosen_folders
from photofind.app.resources import Resources
from photofind.errors import ExtractorError
from photofind.extractors.registry import extractors_in_use
from photofind.indexing.background import build, build_in_background
from photofind.indexing.pipeline import describe, index
from photofind.indexing.upkeep import builder, keep_index, retire_outdated, wants_graph
from photofind.library.embedded.library import Library
from photofind.model import Progress, Report

__all__ = ["index_folders"]


def index_folders(
    resources: Resources,
    folders: Sequence[str] | None,
    *,
    accept_removals: bool,
    retry_failed: bool,
    wait: bool,
    progress: Callable[[Progress], None],
) -> Report:
    """Bring the library up to date with its folders, by each extractor in use.

    The parameters and errors are those of :meth:`photofind.app.photofind.PhotoFind.index`.
    """

    def say(phase: str) -> None:
        progress(Progress(phase, 0))

    with resources.writing() as library:
        chosen = chosen_folders(library, folders)
        library.verify()
        if retry_failed:
            for folder in chosen:
                library.forget_refusals(folder=folder.path)
        report: Report | None = None
        failed: list[ExtractorError] = []
        spaces, notes = [], [*library.warnings]
        for name in extractors_in_use(resources.settings):
            say("starting the extractor")
            extraction = resources.extraction(name)
            try:
                space = _open_space(resources, library, name)
                spaces.append(space)
                if report is None:
                    report = index(
                        library,
                        extraction,
                        space,
                        chosen,
                        excludes=resources.settings.exclude,
                        accept_removals=accept_removals,
                        retry_failed=retry_failed,
                        progress=progress,
                    )
                else:
                    notes += describe(library, extraction, name, space, progress=progress)
            except ExtractorError as error:  # The others go on without it.
                failed.append(error)
        if report is None:
            raise failed[0]
        notes += map(str, failed)
        for space in spaces:
            retire_outdated(library, space)
        library.reclaim()
        with builder(resources.home) as worker:
            for space in spaces:
                notes += keep_index(library, space, worker, say)
        graph_is_wanted = any(wants_graph(library, space) for space in spaces)
    if graph_is_wanted and wait:
        say("building the graph")
        notes += build(resources.home)
    elif graph_is_wanted:
        build_in_background(resources.home)
    return replace(report, notes=tuple(notes))


def _open_space(resources: Resources, library: Library, extractor: str) -> str:
    """Return the id of the space of the installed version of an extractor."""
    plugin = resources.extraction(extractor).info()
    return library.open_space(plugin.name, plugin.version, plugin.dimension, plugin.build).id
