"""Values to JSON and back."""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
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
        return asdict(value)
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
    return cast("_Value", _revived(kind, plain))


def _revived(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if value is None or hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _revived(next((one for one in arguments if _holds(one, value)), Any), value)
    if origin is tuple:
        return tuple(_revived(arguments[0], one) for one in value)
    if origin is list:
        return [_revived(arguments[0], one) for one in value]
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(cast("Hashable", hint))
        known = {name: _revived(hints[name], one) for name, one in value.items() if name in hints}
        return hint(**known)
    return value


def _holds(hint: Any, value: Any) -> bool:
    """Return whether a member of a union can be what JSON has as an object, a list, or neither."""
    if isinstance(value, Mapping):
        return isinstance(hint, type) and is_dataclass(hint)
    return (get_origin(hint) in (tuple, list)) == isinstance(value, list) and hint is not type(None)


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
