"""What the declaration of an operation says, and what follows from it.

`photofind.operations` holds the declarations. Importing this is cheap: commands wait for it.
"""

from __future__ import annotations

import abc
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cached_property, wraps
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, get_origin, get_type_hints

from photofind import model

__all__ = [
    "GENERAL",
    "LANES",
    "LEARNING",
    "PICTURES",
    "SEARCHES",
    "VERY_LARGE",
    "Operation",
    "Parameter",
    "Route",
    "declared_operations",
    "derive",
    "operation",
]

GENERAL, SEARCHES, PICTURES, VERY_LARGE, LEARNING = LANES = (
    "general",
    "searches",
    "pictures",
    "very large pictures",
    "learning",
)
"""Each lane serves a few requests at once: photos that are being decoded hold up no search, a
search that waits for a worker to start holds up no status, very large photos hold up no others,
and what takes minutes nothing but itself."""

_PATIENCE = 60.0

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Parameter(NamedTuple):
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


class Route(NamedTuple):
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
    names: Mapping[str, str] = MappingProxyType({})
    fixed: Mapping[str, Any] = MappingProxyType({})
    by_hand: bool = False

    def place(self, name: str) -> str:
        """Return where a parameter stands in a request: "path", "query" or "body"."""
        if re.search(rf"{{{name}[}}:]", self.path):
            return "path"
        return "query" if self.method in ("GET", "DELETE") else "body"


class _Model(dict[str, Any]):
    """The names of `photofind.model`, each loaded when it is looked up."""

    def __missing__(self, name: str) -> Any:
        if name not in model.__all__:
            raise KeyError(name)
        return getattr(model, name)


_MODEL = _Model()


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
        return get_type_hints(self.function, localns=_MODEL, include_extras=True)

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
        declared = function.__dict__.setdefault("operation", Operation(function, []))
        declared.routes.insert(0, Route(method, path, **options))
        return function

    return declare


def declared_operations(kind: type) -> dict[str, Operation]:
    """Return the operations that a class or its bases declare, by name, in their order."""
    return {
        name: function.operation
        for base in reversed(kind.__mro__)
        for name, function in vars(base).items()
        if hasattr(function, "operation") and not hasattr(function, "__wrapped__")
    }


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
    for declared in declared_operations(kind).values():
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
