"""Values to JSON and back."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["as_plain", "revive"]

_Value = TypeVar("_Value")


def as_plain(value: Any) -> Any:
    """Return what :mod:`json` cannot write by itself as what it can; its ``default``.

    Raises
    ------
    TypeError
        For anything but the values of this module.
    """
    if is_dataclass(value) and not isinstance(value, type):
        # Not asdict, which copies every value: json asks for what lies deeper itself.
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def revive(kind: type[_Value], plain: Any) -> _Value:
    """Return the value that JSON made ``plain`` of.

    Members that this version does not know are left out: a newer photofind may have sent them.

    Parameters
    ----------
    kind
        A dataclass of this package, or what a type hint can say of such: a list, a union.
    plain
        As :func:`json.loads` returns it.

    Raises
    ------
    TypeError, AttributeError
        Where ``plain`` is something else.
    """
    if plain is None:
        raise TypeError(f"{kind} cannot be null")
    return cast("_Value", _reviver(cast("Hashable", kind))(plain))


@cache
def _reviver(hint: Any) -> Callable[[Any], Any]:
    """Return what revives the values that a type hint says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return partial(_revived_as_one_of, arguments)
    if origin in (tuple, list):
        return partial(_revived_sequence, origin, arguments[0])
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_revived_object, hint)
    return _unchanged


def _unchanged(value: Any) -> Any:
    return value


def _revived_as_one_of(hints: Iterable[Any], value: Any) -> Any:
    if value is None:
        return None
    return _reviver(next((one for one in hints if _holds(one, value)), Any))(value)


def _revived_sequence(kind: Callable[[Iterable[Any]], Any], hint: Any, values: Any) -> Any:
    return values if values is None else kind(map(_reviver(hint), values))


def _revived_object(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    revivers = _revivers(kind)
    known = {name: revivers[name](one) for name, one in value.items() if name in revivers}
    return kind(**known)


@cache
def _revivers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    hints = get_type_hints(kind)
    return {field.name: _reviver(hints[field.name]) for field in fields(kind)}


def _holds(hint: Any, value: Any) -> bool:
    """Return whether a member of a union can be what JSON has as an object, a list, or neither."""
    if isinstance(value, Mapping):
        return isinstance(hint, type) and is_dataclass(hint)
    return (get_origin(hint) in (tuple, list)) == isinstance(value, list) and hint is not type(None)
