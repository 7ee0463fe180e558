"""The installed extractors: entry points of distributions, and the models that the user added.

Listing imports no plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from photofind.errors import ExtractorError
from photofind.extractors import models
from photofind.extractors.loaded import LoadedExtractor, make_extractor
from photofind.extractors.protocol import GROUP
from photofind.model.extractor_choice import parse_extractors
from photofind.paths import Home
from photofind.settings import Settings

__all__ = ["Plugin", "extractors_in_use", "installed", "load"]


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``photofind.extractors``, or a model that the user added.

    Parameters
    ----------
    name
        The extractor's name.
    target
        Its factory, ``"package.module:factory"``, or the path of the model.
    distribution, distribution_version
        The installed package that provides it; for a model its file, and the start of its hash.
    """

    name: str
    target: str
    distribution: str
    distribution_version: str

    def __str__(self) -> str:
        source = f"{self.distribution} {self.distribution_version}".strip()
        return f"the extractor {self.name!r} of {source}"


def extractors_in_use(settings: Settings) -> list[str]:
    """Return the names of the extractors that embed photos, the first one for new photos first.

    Raises
    ------
    ExtractorError
        If the setting cannot be parsed.
    """
    return [*dict.fromkeys([*parse_extractors(settings.extractor), *settings.also])]


def installed(home: Home | None = None) -> list[Plugin]:
    """Return all installed extractors, sorted by name, without importing them.

    Parameters
    ----------
    home
        The home with the user's models; this user's by default.
    """
    return [plugin for plugin, _ in _offers(home or Home.default())]


def load(name: str) -> LoadedExtractor:
    """Import and create the extractor called ``name``, and check its attributes.

    Raises
    ------
    ExtractorError
        If there is no such extractor, more than one, or it violates the protocol.
    """
    offers = _offers(Home.default())
    named = [(plugin, make) for plugin, make in offers if plugin.name == name]
    if not named:
        names = ", ".join(plugin.name for plugin, _ in offers) or "none"
        raise ExtractorError(f"there is no extractor {name!r}", f"installed: {names}")
    if len(named) > 1:
        sources = " and ".join(f"{p.distribution} {p.distribution_version}" for p, _ in named)
        raise ExtractorError(
            f"the extractor {name!r} is provided by {sources}", "uninstall one of them"
        )
    ((plugin, make),) = named
    return make_extractor(plugin, make)


def _offers(home: Home) -> list[tuple[Plugin, Callable[[], Any]]]:
    """Return all extractors with their factories, sorted by name; nothing is imported yet."""

    def importing(point: EntryPoint) -> Callable[[], Any]:
        return lambda: point.load()()

    def opening(model: models.Model) -> Callable[[], Any]:
        def make() -> Any:
            if model.derives_from:
                from photofind.extractors.heads import HeadExtractor

                return HeadExtractor(model)
            from photofind.extractors.custom import CustomModel

            return CustomModel(model)

        return make

    offers: list[tuple[Plugin, Callable[[], Any]]] = [
        (_plugin(point), importing(point)) for point in entry_points(group=GROUP)
    ]
    offers += [
        (Plugin(model.name, model.path, model.source, model.sha256[:8]), opening(model))
        for model in models.list_models(home)
    ]
    return sorted(offers, key=lambda offer: (offer[0].name, offer[0].distribution))


def _plugin(point: EntryPoint) -> Plugin:
    try:
        name, version = point.dist.name, point.dist.version  # type: ignore[union-attr]
    except (AttributeError, KeyError, OSError, TypeError):
        # No metadata: a frozen program has none, an installer is about to write it.
        name = version = None
    return Plugin(point.name, point.value, name or "an unknown distribution", version or "")
