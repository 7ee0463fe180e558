"""Noticing that an extractor was installed, upgraded, removed, or edited, while a daemon runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photofind.extractors.code_files import Code, find_code, stamp
from photofind.extractors.presence import Places, places
from photofind.extractors.registry import installed
from photofind.paths import Home

__all__ = ["ExtractorWatch"]

# A change counts once nothing has changed for so long: an installer writes one file after another
# ...
_SETTLED = 1.5
# ... and removes the old version before it writes the new one.
_GONE = 5.0
# Looking takes no more than this share of the time.
_SHARE = 0.005

_Stamp = tuple[Any, ...]


@dataclass
class _Watched:
    """How an extractor was when it was last reported, how it is now, and since when."""

    known: _Stamp
    now: _Stamp
    since: float


class ExtractorWatch:
    """Compares installed extractors with how they were; one thread looks, now and then.

    Parameters
    ----------
    home
        The home with the user's models.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._places: Places = ()
        self._sources: dict[str, _Stamp] = {}
        self._guessed: dict[str, tuple[Path, ...]] = {}
        self._watched: dict[str, _Watched] = {}
        self._next = 0.0

    def look(self, extractors: Mapping[str, Code]) -> list[str]:
        """Return the names of those that are not as they were when they were last returned.

        Parameters
        ----------
        extractors
            Their names, each with its code, as it was when it was loaded, as far as that is known.
        """
        began = time.monotonic()
        if began < self._next:
            return []
        self._look_for_sources()
        changed = []
        for name, code in extractors.items():
            now = self._stamp(name, code.files)
            watched = self._watched.get(name)
            if watched is None or (watched.known[0] == now[0] and watched.known[1] != now[1]):
                # Where its code lies was not known before. It may have changed since it was loaded.
                known = (*now[:2], code.stamp) if code.files else now
                self._watched[name] = _Watched(known, now, began)
                continue
            if watched.now != now:
                watched.now, watched.since = now, began
            calm = _SETTLED if now[0] else _GONE
            if watched.now != watched.known and began - watched.since >= calm:
                watched.known = now
                changed.append(name)
        for name in self._watched.keys() - extractors.keys():
            del self._watched[name]
        ended = time.monotonic()
        self._next = ended + (ended - began) / _SHARE
        return changed

    def _look_for_sources(self) -> None:
        """Find out which distributions and models provide extractors, where that may differ."""
        now = places(self._home)
        if now == self._places:
            return
        sources: dict[str, list[Any]] = {}
        guessed: dict[str, tuple[Path, ...]] = {}
        for plugin in installed(self._home):
            facts = (plugin.distribution, plugin.distribution_version, plugin.target)
            record = str(self._home.models / f"{plugin.name}.toml")
            model = dict(now).get(record)
            sources.setdefault(plugin.name, []).append((*facts, model))
            with suppress(ImportError, ValueError):
                guessed[plugin.name] = tuple(find_code(plugin))
        self._sources = {name: tuple(found) for name, found in sources.items()}
        self._guessed = guessed
        self._places = now

    def _stamp(self, name: str, code: Sequence[str]) -> _Stamp:
        # One that cannot be loaded may lack its model, which plugins keep in the home.
        guessed = (*self._guessed.get(name, ()), self._home.root / name)
        files = tuple(map(Path, code)) or guessed
        return self._sources.get(name, ()), files, stamp(files)
