"""The installed extractors, each tried in a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from photofind.app.resources import Resources
from photofind.errors import ExtractorError, WorkerError
from photofind.extractors.extraction import ExtractorInfo
from photofind.extractors.probe_cache import fingerprint, load_probes, save_probes
from photofind.extractors.registry import Plugin, extractors_in_use, installed
from photofind.model import ExtractorStatus

__all__ = ["extractor_statuses", "missing_extractors"]

TRIED_AT_ONCE = 3
"""A plugin may load half a gigabyte of libraries into its process."""


def extractor_statuses(resources: Resources) -> list[ExtractorStatus]:
    """Return how each installed extractor is.

    One that works is not tried again until something has changed.
    """
    resources.library.refresh()
    plugins = installed(resources.home)
    known = load_probes(resources.home)
    stamps = [fingerprint(plugin) for plugin in plugins]

    def probed(plugin: Plugin, stamp: str | None) -> ExtractorInfo | str:
        return (known.get(stamp) if stamp else None) or _probe(resources, plugin.name)

    with ThreadPoolExecutor(TRIED_AT_ONCE) as pool:
        found = [*pool.map(probed, plugins, stamps)]
    working = {
        stamp: one
        for stamp, one in zip(stamps, found, strict=True)
        if stamp and isinstance(one, ExtractorInfo) and not one.derives_from
    }
    if working != known:
        save_probes(resources.home, working)
    return [_status(resources, *pair) for pair in zip(plugins, found, strict=True)]


def missing_extractors(resources: Resources) -> list[str]:
    """Return a line for each extractor in use that is not installed; none is imported."""
    names = {plugin.name for plugin in installed(resources.home)}
    return [
        f"the extractor {name!r} is in use and not installed; "
        "`photofind extractors` lists those that are"
        for name in extractors_in_use(resources.settings)
        if name not in names
    ]


def _probe(resources: Resources, extractor: str) -> ExtractorInfo | str:
    """Return the description that an extractor gives of itself, or why it does not work."""
    running = resources.extraction.find(extractor)
    # A worker started for this question alone ends at once: there may be many extractors.
    with (
        nullcontext(running)
        if running is not None
        else resources.new_extraction(extractor, low_priority=True)
    ) as extraction:
        try:
            return extraction.info()
        except (ExtractorError, WorkerError) as failure:
            return str(failure)


def _status(resources: Resources, plugin: Plugin, found: ExtractorInfo | str) -> ExtractorStatus:
    library = resources.library
    photos = sum(
        library.space_counts(space.id).embedded
        for space in library.spaces()
        if space.extractor == plugin.name
    )
    works = None if isinstance(found, str) else found
    return ExtractorStatus(
        plugin.name,
        works.version if works else None,
        works.dimension if works else None,
        f"{plugin.distribution} {plugin.distribution_version}".strip(),
        plugin.name in extractors_in_use(resources.settings),
        photos,
        None if works else str(found),
        works.derives_from if works else (),
    )
