"""What photofind can be asked: each operation is declared here, once.

A declaration is a method's signature and docstring, with the HTTP verb and path that it is asked by
and the lane of the daemon that serves it. From the declarations are derived the methods of the
daemon's client, the routes of its API with their validation and their description, the table in
docs/reference/api.md, and the double that tests use.

`photofind.app.photofind.PhotoFind` carries the operations out. It has this protocol as its base, so
that mypy checks it against the declarations: therefore this module lies below ``app``. Importing it
is cheap: commands wait for it.
"""

from __future__ import annotations

import abc
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property, wraps
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Protocol,
    Self,
    TypeVar,
    get_origin,
    get_type_hints,
)

from photofind.model import (
    Answer,
    Check,
    DuplicateGroup,
    Event,
    ExtractorStatus,
    Failure,
    FolderStatus,
    Overview,
    PhotoDetails,
    Progress,
    Query,
    Report,
    Setting,
    SettingValue,
    Status,
    TagCount,
    Trashing,
    Untrashing,
)
from photofind.model.parameters import (
    AbsolutePath,
    Count,
    Date,
    Length,
    Limit,
    Matching,
    PositiveCount,
    Seconds,
    TagName,
    TagNames,
    Text,
    ThumbnailSize,
)
from photofind.model.references import PhotoId, PhotoReference

if TYPE_CHECKING:
    from photofind.settings import Settings

__all__ = [
    "GENERAL",
    "LANES",
    "OPERATIONS",
    "PICTURES",
    "SEARCHES",
    "Operation",
    "Operations",
    "Parameter",
    "Route",
    "derive",
]

GENERAL, SEARCHES, PICTURES = LANES = ("general", "searches", "pictures")
"""Each lane serves a few requests at once: photos that are being decoded hold up no search, and a
search that waits for a worker to start holds up no status."""

_PATIENCE = 60.0
_COLD = 120.0
"""Seconds that a worker may take that has to be started first."""
_LONG = 3600.0
"""Seconds that work on the whole library may take."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation as it is sent over HTTP.

    Attributes
    ----------
    name, alias
        Its name in Python and over HTTP.
    place
        "path", "query" or "body".
    hint
        Its type, with the bounds that stand beside it.
    default
        ``inspect.Parameter.empty`` if it has none.
    is_whole
        Whether it is a dataclass whose fields are those of the body.
    """

    name: str
    alias: str
    place: str
    hint: Any
    default: Any
    is_whole: bool = False


@dataclass(frozen=True)
class Route:
    """A verb and a path by which an operation is asked.

    Attributes
    ----------
    method, path
        The path holds the names of parameters in braces.
    key
        The only member of the answer, if the answer is an object around the returned value.
    lane
        One of `LANES`.
    seconds
        How long clients wait for the answer.
    names
        What parameters are called over HTTP, where that differs.
    fixed
        The arguments for which this route is taken.
    by_hand
        Whether the route and the client's method are written by hand: the answer is a stream, say.
    """

    method: str
    path: str
    key: str | None = None
    lane: str = GENERAL
    seconds: float = _PATIENCE
    names: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    by_hand: bool = False

    def place(self, name: str) -> str:
        """Return where a parameter stands in a request: "path", "query" or "body"."""
        if re.search(rf"{{{name}[}}:]", self.path):
            return "path"
        return "query" if self.method in ("GET", "DELETE") else "body"


@dataclass(eq=False)
class Operation:
    """A declared operation: the function that declares it, and its routes."""

    function: Callable[..., Any]
    routes: list[Route]

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.function.__name__

    @cached_property
    def signature(self) -> inspect.Signature:
        """Its signature without ``self``."""
        signature = inspect.signature(self.function)
        return signature.replace(parameters=[*signature.parameters.values()][1:])

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The types of its parameters with what stands beside them, and of what it returns."""
        return get_type_hints(self.function, include_extras=True)

    @property
    def returns(self) -> Any:
        """The type of what it returns; ``type(None)`` for nothing."""
        return self.hints["return"]

    @property
    def summary(self) -> str:
        """The first sentence of its docstring, on one line."""
        return " ".join(inspect.cleandoc(self.function.__doc__ or "").split("\n\n")[0].split())

    @property
    def description(self) -> str:
        """Its docstring up to the sections."""
        text = inspect.cleandoc(self.function.__doc__ or "")
        return re.split(r"\n\n\w+\n---", text)[0]

    @cached_property
    def notes(self) -> dict[str, str]:
        """What its docstring says of parameters, by their names."""
        text = inspect.cleandoc(self.function.__doc__ or "")
        section = re.search(r"\nParameters\n-+\n(.*?)(?:\n\n|$)", text, re.DOTALL)
        entries = re.findall(r"^(\S.*)\n((?: +.*\n?)+)", section[1] if section else "", re.M)
        return {
            name: " ".join(note.split()) for names, note in entries for name in names.split(", ")
        }

    def parameters(self, route: Route) -> list[Parameter]:
        """Return its parameters as a route takes them: functions cannot be sent."""
        return [
            Parameter(
                one.name,
                route.names.get(one.name, one.name),
                route.place(one.name),
                self.hints[one.name],
                one.default,
                is_dataclass(self.hints[one.name]),
            )
            for one in self.signature.parameters.values()
            if one.name not in route.fixed and get_origin(self.hints[one.name]) is not Callable
        ]

    def bind(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Return the arguments of a call by name, defaults included."""
        bound = self.signature.bind(*arguments, **options)
        bound.apply_defaults()
        return bound.arguments

    def route(self, arguments: Mapping[str, Any]) -> Route:
        """Return the route by which a call is asked."""
        return next(
            route
            for route in self.routes
            if all(arguments[name] == value for name, value in route.fixed.items())
        )


def operation(method: str, path: str, **options: Any) -> Callable[[_Function], _Function]:
    """Declare a method to be an operation; the parameters are those of `Route`.

    An operation may have several routes, each for some ``fixed`` arguments.
    """

    def declare(function: _Function) -> _Function:
        # Whoever carries operations out must have all of them.
        function.__isabstractmethod__ = True  # type: ignore[attr-defined]
        routes = function.__dict__.setdefault("routes", [])
        routes.insert(0, Route(method, path, **options))
        return function

    return declare


class Operations(Protocol):
    """Everything that photofind can be asked, in this process or through the daemon.

    Photos are referred to by their ids or by their absolute paths.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def close(self) -> None:
        """Close what is open; the daemon goes on."""

    @property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for.

        Raises
        ------
        SettingsError
            The file cannot be used.
        """
        ...

    @property
    def problems(self) -> list[str]:
        """What was found damaged so far and is not repaired, one line each."""
        ...

    # Folders.

    @operation("GET", "/api/folders")
    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        ...

    @operation("GET", "/api/folders/covers", key="covers", names={"folder": "path"})
    def covers(self, folder: AbsolutePath) -> bool:
        """Return whether a folder is one of the library's or lies in one."""
        ...

    @operation("POST", "/api/folders", names={"folder": "path"})
    def add_folder(
        self, folder: AbsolutePath, *, excludes: Annotated[Sequence[Text], Length(0, 1000)] = ()
    ) -> None:
        """Add a folder, or change what is excluded in one that is there.

        Parameters
        ----------
        folder
            Its path.
        excludes
            What to leave out, in gitignore's syntax.

        Raises
        ------
        LibraryError
            There is no such folder, or it is photofind's own.
        SettingsError
            An exclude is no valid rule.
        """

    @operation(
        "POST", "/api/folders/remove", key="removed", seconds=_LONG, names={"folder": "path"}
    )
    def remove_folder(self, folder: AbsolutePath) -> int:
        """Remove a folder and its photos from the library; return how many photos.

        Photos that also lie in another folder of the library stay.

        Raises
        ------
        LibraryError
            The folder is not in the library.
        """
        ...

    @operation("POST", "/api/index", by_hand=True)
    def index(
        self,
        folders: Annotated[Sequence[AbsolutePath], Length(0, 1000)] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Bring the library up to date with its folders; only new and changed photos are read.

        Parameters
        ----------
        folders
            Folders of the library, or folders in them; all if not given.
        accept_removals
            Believe that photos are gone, even all photos of a folder at once.
        retry_failed
            Read photos again that could not be read before, even if they have not changed.
        wait
            Build the graph, if one is wanted, before returning, not in the background.
        progress
            Called with the progress, about ten times a second.

        Raises
        ------
        LibraryError
            There is no folder, another photofind is indexing, or the disk refuses.
        ExtractorError
            The extractor does not work.
        """
        ...

    # Searching.

    @operation("POST", "/api/similar", lane=SEARCHES, seconds=_COLD)
    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query.

        Raises
        ------
        ImageError
            A photo of the query cannot be read.
        LibraryError
            A photo that the query names by id is not in the library, nothing is indexed yet, or no
            photo has one of the tags.
        """
        ...

    @operation("GET", "/api/duplicates", lane=SEARCHES, seconds=_LONG)
    def duplicates(self) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first."""
        ...

    # Photos.

    @operation("GET", "/api/photos", names={"tags": "tag"})
    def photos(
        self,
        *,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
        offset: Count = 0,
        limit: Limit = 100,
        path: AbsolutePath | None = None,
    ) -> list[PhotoDetails]:
        """Return photos of a folder, of a time, with tags, or all, page by page, newest first.

        Parameters
        ----------
        folder
            Only photos below this folder.
        since, until
            Only photos captured in this span, as in `Query`.
        tags
            Only photos that carry all of these tags or keywords.
        offset
            How many to skip.
        limit
            How many to return at most.
        path
            Only the photo at this path, whatever else is given.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones; or there is none at the path.
        """
        ...

    @operation("GET", "/api/photos/count", key="photos", names={"tags": "tag"})
    def count(
        self,
        *,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
    ) -> int:
        """Return how many photos there are in a folder, of a time, with tags, or at all.

        Parameters
        ----------
        folder, since, until, tags
            As for `photos`.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones.
        """
        ...

    @operation("GET", "/api/photos/{photo}")
    def photo(self, photo: PhotoReference) -> PhotoDetails:
        """Return what is known of a photo.

        Raises
        ------
        LibraryError
            It is not in the library.
        """
        ...

    @operation("GET", "/api/photos/{photo}/thumbnail", lane=PICTURES, seconds=_COLD, by_hand=True)
    def thumbnail(self, photo: PhotoId, size: ThumbnailSize = 256) -> bytes:
        """Return a JPEG of a photo, upright, of at most ``size`` pixels a side.

        Raises
        ------
        LibraryError
            The photo is not in the library.
        ImageError
            It cannot be read.
        """
        ...

    @abc.abstractmethod
    def thumbnail_of(self, path: AbsolutePath, size: ThumbnailSize = 256) -> bytes:
        """Return a JPEG of a picture that need not be in the library, as `thumbnail` does.

        Raises
        ------
        ImageError
            It cannot be read.
        """

    @operation("GET", "/api/tags")
    def tags(self, *, limit: PositiveCount | None = None) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first.

        Parameters
        ----------
        limit
            How many to return at most; all if not given.
        """
        ...

    @operation("GET", "/api/tagged", names={"tags": "tag"})
    def tagged(
        self, tags: Annotated[Sequence[TagName], Length(1, 20)], *, limit: Limit = 100
    ) -> list[PhotoDetails]:
        """Return the photos that carry all of some tags or keywords, the surest first.

        Parameters
        ----------
        tags
            At least one: whole names or whole words of them, whatever their case.
        limit
            How many to return at most.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones.
        """
        ...

    @operation("GET", "/api/overview")
    def overview(self, folder: AbsolutePath | None = None) -> Overview:
        """Return how many photos there are in each folder and month: of all, or below a folder."""
        ...

    @operation("GET", "/api/failures")
    def failures(self) -> list[Failure]:
        """Return the photos that could not be indexed, with their reasons, by path.

        Also those that one extractor refused, though others may have embedded them.
        """
        ...

    # The files of photos.

    @operation("POST", "/api/photos/{photo}/open")
    def open(self, photo: PhotoReference) -> None:
        """Open a photo with the program that the system opens photos with.

        Raises
        ------
        LibraryError
            It is not in the library.
        DesktopError
            It is out of reach, or no program opens it.
        """

    @operation("POST", "/api/photos/{photo}/reveal")
    def reveal(self, photo: PhotoReference) -> None:
        """Show a photo in its folder, in the file manager.

        Raises
        ------
        LibraryError
            It is not in the library.
        DesktopError
            It is out of reach, or no folder can be shown.
        """

    @operation("POST", "/api/photos/trash", names={"photos": "ids"})
    def trash(self, photos: Annotated[Sequence[int], Length(1, 1000)]) -> Trashing:
        """Move photos to the system's trash; nothing is ever deleted.

        A file that has changed since it was indexed stays where it is.

        Parameters
        ----------
        photos
            Their ids.
        """
        ...

    @operation("POST", "/api/photos/untrash")
    def untrash(self, undo: Annotated[str, Matching("^[0-9a-f]{32}$", "0" * 32)]) -> Untrashing:
        """Put photos back that were moved to the trash.

        Parameters
        ----------
        undo
            The token that moving them returned.

        Raises
        ------
        DesktopError
            The token is unknown, or too old.
        """
        ...

    # The library, the extractors and the settings.

    @operation("GET", "/api/status")
    def status(self) -> Status:
        """Return how the library is, and what the daemon does."""
        ...

    @operation("GET", "/api/doctor", seconds=_LONG, fixed={"repair": False})
    @operation("POST", "/api/doctor/repair", seconds=_LONG, fixed={"repair": True})
    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Check the library; with ``repair``, repair what can be repaired.

        Raises
        ------
        LibraryError
            Something is to be repaired and another photofind is writing to the library.
        """
        ...

    @operation("GET", "/api/extractors", lane=PICTURES, seconds=_LONG)
    def extractors(self) -> list[ExtractorStatus]:
        """Return the installed extractors, each tried in a process of its own.

        One that works is not tried again until something has changed.
        """
        ...

    @operation("GET", "/api/settings")
    def list_settings(self) -> list[Setting]:
        """Return every setting as it stands."""
        ...

    @operation("PUT", "/api/settings/{name:path}", key="value")
    def set_setting(self, name: str, value: Text) -> SettingValue:
        """Change a setting; return its new value.

        Parameters
        ----------
        name
            One of those that are listed.
        value
            As a person types it.

        Raises
        ------
        SettingsError
            There is no such setting, or it cannot take the value.
        LibraryError
            The disk refuses.
        """
        ...

    @operation("DELETE", "/api/settings/{name:path}", key="value")
    def reset_setting(self, name: str) -> SettingValue:
        """Give a setting its default again; return that.

        Raises
        ------
        SettingsError
            There is no such setting.
        LibraryError
            The disk refuses.
        """
        ...

    # The daemon.

    @operation("POST", "/api/pause")
    def pause(self, seconds: Seconds | None = None) -> None:
        """Have the daemon pause all work, for some seconds or until it is resumed.

        Raises
        ------
        LibraryError
            There is no daemon.
        """

    @operation("POST", "/api/resume")
    def resume(self) -> None:
        """Have the daemon resume its work.

        Raises
        ------
        LibraryError
            There is no daemon.
        """

    @operation("GET", "/api/events", by_hand=True)
    def events(self) -> Iterator[Event]:
        """Yield what happens in the daemon, as it happens, until it stops.

        Raises
        ------
        LibraryError
            There is no daemon.
        """
        ...


OPERATIONS = {
    name: Operation(function, function.routes)
    for name, function in vars(Operations).items()
    if hasattr(function, "routes")
}
"""All operations by name, in the order of their declarations."""


def derive(kind: Any, *, by_hand: bool = False) -> Any:
    """Give a class a method for each operation that it lacks: a decorator of classes.

    The method calls ``_carry_out(operation, arguments)`` of the object.

    Parameters
    ----------
    kind
        The class.
    by_hand
        Whether it gets those too that are written by hand elsewhere.
    """
    for declared in OPERATIONS.values():
        is_wanted = by_hand or not any(route.by_hand for route in declared.routes)
        if is_wanted and declared.name not in vars(kind):
            setattr(kind, declared.name, _derived(declared))
    return abc.update_abstractmethods(kind)


def _derived(declared: Operation) -> Callable[..., Any]:
    @wraps(declared.function)
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return self._carry_out(declared, declared.bind(*arguments, **options))

    method.__isabstractmethod__ = False  # type: ignore[attr-defined]
    return method
