"""What can be asked of photofind, whoever answers: this process, or the daemon for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

from photofind.gallery.surface import Surface as PageSurface

if TYPE_CHECKING:
    from photofind.settings import Setting, Settings
    from photofind.values import (
        Answer,
        Check,
        DuplicateGroup,
        Event,
        ExtractorStatus,
        Failure,
        FolderStatus,
        PhotoDetails,
        Progress,
        Query,
        Report,
        Status,
    )

__all__ = ["Served", "Surface"]


class Surface(Protocol):
    """The methods of `PhotoFind`, which the daemon's client has too; they are documented there."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    @property
    def problems(self) -> list[str]: ...  # noqa: D102
    @property
    def settings(self) -> Settings: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def folders(self) -> list[FolderStatus]: ...  # noqa: D102
    def covers(self, folder: str) -> bool: ...  # noqa: D102
    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None: ...  # noqa: D102
    def remove_folder(self, folder: str) -> int: ...  # noqa: D102
    def index(  # noqa: D102
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = ...,
    ) -> Report: ...
    def similar(self, query: Query) -> Answer: ...  # noqa: D102
    def duplicates(self) -> list[DuplicateGroup]: ...  # noqa: D102
    def failures(self) -> list[Failure]: ...  # noqa: D102
    def extractors(self) -> list[ExtractorStatus]: ...  # noqa: D102
    def status(self) -> Status: ...  # noqa: D102
    def photo(self, photo: int | str) -> PhotoDetails: ...  # noqa: D102
    def photos(  # noqa: D102
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[PhotoDetails]: ...
    def pause(self, seconds: float | None = None) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102
    def list_settings(self) -> list[Setting]: ...  # noqa: D102
    def set_setting(self, name: str, value: str) -> Any: ...  # noqa: D102
    def reset_setting(self, name: str) -> Any: ...  # noqa: D102
    def doctor(self, *, repair: bool = False) -> list[Check]: ...  # noqa: D102
    def events(self) -> Iterator[Event]: ...  # noqa: D102


class Served(Surface, PageSurface, Protocol):
    """What the API needs besides: of the daemon's own object alone."""

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``listener`` called with every event, in any thread; return what ends that."""
        ...

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        """Return a JPEG of a photo of the library, at most ``size`` pixels a side."""
        ...

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        """Return a JPEG of at most ``size`` pixels a side of a picture outside the library."""
        ...
