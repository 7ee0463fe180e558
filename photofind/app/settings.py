"""What a setting names has to be there when it is written."""

from __future__ import annotations

from photofind.errors import ExtractorError, SettingsError
from photofind.extractors.registry import extractors_in_use, installed
from photofind.library.stores import check_engine
from photofind.model.extractor_choice import parse_extractors
from photofind.paths import Home
from photofind.settings import Settings

__all__ = ["check_setting"]


def check_setting(home: Home, settings: Settings, name: str, value: str) -> None:
    """Check whether the extractors or the engine that a setting names are installed.

    Parameters
    ----------
    home
        Where the models are.
    settings
        Those now: an extractor that is in use may be named, installed or not.
    name, value
        As a person types them.

    Raises
    ------
    SettingsError
        The setting names an extractor that is not installed.
    LibraryError
        It names an engine that is not.
    """
    if name == "store":
        check_engine(value)
    elif name in ("extractor", "also"):
        try:
            wanted = [*parse_extractors(value)] if value.strip() else []
        except ExtractorError as error:
            raise SettingsError(f"{name}: {error.message}", error.hint) from None
        known = {plugin.name for plugin in installed(home)} | {*extractors_in_use(settings)}
        for extractor in wanted:
            if extractor not in known:
                raise SettingsError(
                    f"{name} cannot be {value!r}: there is no extractor {extractor!r}",
                    "`photofind extractors` lists them",
                )
