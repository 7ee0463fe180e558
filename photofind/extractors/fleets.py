"""Fleets: workers on other machines that read and embed photos, as a plugin offers them.

They are the entry points of the group ``photofind.fleets``, by the scheme of an address. A fleet
takes paths and gives what was extracted of each, in place of
:class:`~photofind.extractors.photo_batches.PhotoBatches`. Who asked it commits the results.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from photofind.errors import FleetError, FleetLostError, PhotofindError
from photofind.paths import Home
from photofind.system.entry_points import load_point, points_of

if TYPE_CHECKING:
    from photofind.extractors.extracted import Extracted
    from photofind.extractors.info import ExtractorInfo
    from photofind.extractors.views import ViewsKind
    from photofind.images.limits import Limits

__all__ = [
    "GROUP",
    "Fleet",
    "FleetEngine",
    "FleetInUse",
    "ReadHere",
    "WorkOptions",
    "open_fleet",
    "read_by",
]

GROUP = "photofind.fleets"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkOptions:
    """How workers read photos: as :class:`~photofind.extractors.extraction.Extraction` says."""

    limits: Limits
    seconds: float
    megabytes: float
    views: ViewsKind


class ReadHere(Protocol):
    """Reads photos on this machine, as a fleet does elsewhere."""

    def __call__(self, method: str, paths: Sequence[str], **arguments: Any) -> list[Extracted]:
        """Return what was extracted of each, in order."""
        ...


class Fleet(Protocol):
    """Workers on other machines. Threads may share it."""

    @property
    def silence(self) -> float:
        """Seconds since a worker last showed progress."""
        ...

    def check(self, info: ExtractorInfo) -> None:
        """Check that each worker has an extractor as it is here, and photofind too.

        Raises
        ------
        FleetError
            One has not: the message names it, and both versions.
        """
        ...

    def expect(
        self, info: ExtractorInfo, method: str, paths: Sequence[str], **arguments: Any
    ) -> None:
        """Have photos read that :meth:`read` will be asked for soon, in this order."""
        ...

    def read(
        self,
        info: ExtractorInfo,
        method: str,
        paths: Sequence[str],
        here: ReadHere,
        **arguments: Any,
    ) -> list[Extracted]:
        """Have photos read by a method of the extraction service; return a result for each.

        Parameters
        ----------
        info
            The extractor as it is here: results carry its identity.
        method, arguments
            "extract" with ``known`` and ``in_company``, or "extract_previews".
        here
            Reads what no worker can read.

        Raises
        ------
        FleetLostError
            There are no workers any more, or none that has this extractor.
        WorkerStoppedError
            :meth:`break_off` was called meanwhile.
        """
        ...

    def break_off(self) -> None:
        """End the calls of :meth:`read` that wait, and what was begun for them."""
        ...

    def close(self) -> None:
        """Leave the workers to others."""
        ...


class FleetEngine(Protocol):
    """What an entry point of the group gives: it connects to a fleet."""

    def __call__(self, home: Home, address: str, options: WorkOptions) -> Fleet:
        """Connect to the fleet at an address.

        Raises
        ------
        FleetError
            It cannot be reached, or not safely.
        """
        ...


class FleetInUse:
    """The fleet that reads photos now, if any does. Threads may share it."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._notes: list[str] = []
        self._changing = threading.Lock()  # Held to look at, and to change, what follows.
        self._address = ""
        self._users = 0

    def __call__(self) -> Fleet | None:
        """Return the fleet; None where photos are read on this machine."""
        return self._fleet

    def lost(self, fleet: Fleet, error: PhotofindError) -> None:
        """Go on without a fleet, on this machine."""
        if self._fleet is fleet:
            self._fleet = None
            self._notes.append(f"{error.message}; the rest was read on this machine")
            log.warning("%s", error)

    @contextmanager
    def using(self, fleet: Fleet, address: str = "") -> Iterator[list[str]]:
        """Have a fleet read photos until the end of the block, and close it then.

        Where others have joined, that is when the last of them ends. Yields what people should know
        of it in the end, a line each.

        Raises
        ------
        FleetError
            Another one does.
        """
        with self._changing:
            if self._users:
                fleet.close()
                raise FleetError("another fleet is reading photos", "wait until it is done")
            self._notes, self._fleet, self._address, self._users = [], fleet, address, 1
        try:
            yield self._notes
        finally:
            self._leave(fleet)

    @contextmanager
    def joining(self, address: str) -> Iterator[list[str] | None]:
        """Use the fleet of an address that somebody uses, until the end of the block.

        Yields what people should know of it, as :meth:`using` does; None where nobody uses it.
        """
        with self._changing:
            fleet = self._fleet if self._users and self._address == address else None
            self._users += fleet is not None
        try:
            yield None if fleet is None else self._notes
        finally:
            if fleet is not None:
                self._leave(fleet)

    def _leave(self, fleet: Fleet) -> None:
        with self._changing:
            self._users -= 1
            if self._users:
                return
            self._fleet = None
        fleet.close()


def open_fleet(home: Home, address: str, options: WorkOptions) -> Fleet:
    """Connect to the fleet at an address.

    Raises
    ------
    FleetError
        No plugin knows such addresses, or the fleet cannot be reached.
    """
    scheme, found, _ = address.partition("://")
    points = points_of(GROUP)
    if not found or scheme not in points:
        raise FleetError(
            f"{address!r} is no address of a fleet that an installed plugin knows",
            "photofind-dask brings tls://HOST:PORT",
        )
    what = f"what connects to {scheme}://"
    engine: FleetEngine = load_point(points[scheme], what, FleetError)
    return engine(home, address, options)


def read_by(
    in_use: FleetInUse,
    info: ExtractorInfo,
    here: ReadHere,
    method: str,
    paths: Sequence[str],
    **arguments: Any,
) -> list[Extracted]:
    """Read photos by the fleet in use, or here where there is none or it was lost."""
    if (fleet := in_use()) is not None:
        try:
            return fleet.read(info, method, paths, here, **arguments)
        except FleetLostError as error:
            in_use.lost(fleet, error)
    return here(method, paths, **arguments)
