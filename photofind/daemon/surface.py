"""What can be asked of photofind, whoever answers: this process, or the daemon for it."""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

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
    def problems(self) -> list[str]: ...
    @property
    def settings(self) -> Settings: ...
    def close(self) -> None: ...
    def folders(self) -> list[FolderStatus]: ...
    def covers(self, folder: str) -> bool: ...
    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None: ...
    def remove_folder(self, folder: str) -> int: ...
    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = ...,
    ) -> Report: ...
    def similar(self, query: Query) -> Answer: ...
    def duplicates(self) -> list[DuplicateGroup]: ...
    def failures(self) -> list[Failure]: ...
    def extractors(self) -> list[ExtractorStatus]: ...
    def status(self) -> Status: ...
    def photo(self, photo: int | str) -> PhotoDetails: ...
    def photos(
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[PhotoDetails]: ...
    def pause(self, seconds: float | None = None) -> None: ...
    def resume(self) -> None: ...
    def list_settings(self) -> list[Setting]: ...
    def set_setting(self, name: str, value: str) -> Any: ...
    def reset_setting(self, name: str) -> Any: ...
    def doctor(self, *, repair: bool = False) -> list[Check]: ...
    def events(self) -> Iterator[Event]: ...


class Served(Surface, Protocol):
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
