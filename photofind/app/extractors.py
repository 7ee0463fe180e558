"""The installed extractors, each tried in a process of its own."""

from __future__ import annotations

from contextlib import nullcontext, suppress

from photofind.app.resources import Resources
from photofind.errors import ExtractorError, PhotofindError, WorkerError
from photofind.extractors.info import ExtractorInfo
from photofind.extractors.probe_cache import fingerprint, load_probes, save_probes
from photofind.extractors.registry import Plugin, extractors_in_use, installed
from photofind.library.extractor_memory import ExtractorMemory
from photofind.model import ExtractorStatus
from photofind.search.spaces import SpaceChoice

__all__ = ["extractor_statuses", "missing_extractors", "note_answering"]


def extractor_statuses(resources: Resources) -> list[ExtractorStatus]:
    """Return how each installed extractor is.

    One that works is not tried again until something has changed. One that takes long to load is
    not waited for.
    """
    resources.library.refresh()
    plugins = installed(resources.home)
    known = load_probes(resources.home)
    stamps = [fingerprint(plugin, resources.settings.views) for plugin in plugins]

    pairs = [*zip((plugin.name for plugin in plugins), stamps, strict=True)]
    # The fingerprint does not cover files outside the package, such as a model.
    cached = {
        pair: info for pair in pairs if (info := known.get(pair[1] or "")) and info.is_current
    }
    # Two distributions may offer one name, which does not work then.
    tried = resources.probes.results(
        dict.fromkeys(pair for pair in pairs if pair not in cached),
        lambda pair: _probe(resources, pair[0]),
    )
    found = [cached.get(pair) or tried.get(pair) for pair in pairs]
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


def note_answering(resources: Resources) -> None:
    """Note which extractors answer now: they go on until others are ready."""
    library = resources.library
    library.refresh()
    memory = ExtractorMemory(resources.home, writable=True)
    with suppress(PhotofindError):  # Nothing is indexed yet.
        SpaceChoice(library, resources.home, resources.settings.extractor, memory).answering()


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


def _status(
    resources: Resources, plugin: Plugin, found: ExtractorInfo | str | None
) -> ExtractorStatus:
    library = resources.library
    photos = sum(
        library.space_counts(space.id).embedded
        for space in library.spaces()
        if space.extractor == plugin.name
    )
    works = found if isinstance(found, ExtractorInfo) else None
    return ExtractorStatus(
        plugin.name,
        works.version if works else None,
        works.dimension if works else None,
        f"{plugin.distribution} {plugin.distribution_version}".strip(),
        plugin.name in extractors_in_use(resources.settings),
        photos,
        found if isinstance(found, str) else None,
        found is None,
        works.device if works else None,
        works.derives_from if works else (),
    )
