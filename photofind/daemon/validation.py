"""Type hints of operations to those of pydantic, which checks what requests hold."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import reduce
from inspect import Parameter as Inspected
from operator import or_
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from photofind.declaration import Operation, Parameter
from photofind.model.parameters import Between, Checked, Length, Matching
from photofind.model.references import InAddress

__all__ = ["as_argument", "body_arguments", "body_model", "checked_hint", "constraints"]


def checked_hint(hint: Any, *, in_path: bool = False) -> Any:
    """Return a type hint with the bounds beside it as pydantic's.

    Sequences are lists, as they are in JSON.

    Parameters
    ----------
    hint
        Of a parameter of an operation.
    in_path
        Whether the value stands in the path of an address.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, *marks = arguments
        for mark in marks:
            if in_path and isinstance(mark, InAddress):
                return checked_hint(mark.kind)
        return Annotated[(checked_hint(kind), *constraints(hint))]
    if origin in (tuple, Sequence):
        return list[checked_hint(arguments[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return reduce(or_, map(checked_hint, arguments))
    return hint


def constraints(hint: Any) -> list[Any]:
    """Return the bounds that stand beside a type, as pydantic's."""
    return [one for mark in get_args(hint)[1:] for one in _constraints(mark)]


def _constraints(mark: Any) -> list[Any]:
    match mark:
        case Between(least, most, exclusive):
            return [Field(gt=least, le=most) if exclusive else Field(ge=least, le=most)]
        case Length(least, most):
            return [Field(min_length=least or None, max_length=most)]
        case Matching(pattern, example):
            return [Field(pattern=pattern, examples=[example])]
        case Checked():
            # Pydantic's own texts refuse lone surrogates, so these are plain to it.
            return [PlainValidator(mark.check), WithJsonSchema(dict(mark.schema))]
    return []


def body_model(declared: Operation, parameters: Sequence[Parameter]) -> type[BaseModel]:
    """Return the model of the body that holds the parameters of an operation."""
    members: dict[str, Any] = {}
    for one in parameters:
        if one.is_whole:
            hints = get_type_hints(one.hint, include_extras=True)
            for field in fields(one.hint):
                members[field.name] = _member(hints[field.name], field.default)
        else:
            members[one.alias] = _member(one.hint, one.default, declared.notes.get(one.name))
    name = "".join(word.capitalize() for word in declared.name.split("_"))
    return create_model(
        f"{name}Request",
        __config__=ConfigDict(extra="forbid", strict=True),
        __doc__=declared.summary,
        **members,
    )


def body_arguments(parameters: Sequence[Parameter], body: BaseModel | None) -> dict[str, Any]:
    """Return the arguments that a body holds; none, if there is no body."""
    if body is None:
        return {}
    values = {name: as_argument(getattr(body, name)) for name in type(body).model_fields}

    def value_of(one: Parameter) -> Any:
        if not one.is_whole:
            return values[one.alias]
        return one.hint(**{field.name: values[field.name] for field in fields(one.hint)})

    return {one.name: value_of(one) for one in parameters}


def as_argument(value: Any) -> Any:
    """Return a checked value as operations take it: sequences are tuples."""
    return tuple(value) if isinstance(value, list) else value


def _member(hint: Any, default: Any, note: str | None = None) -> tuple[Any, Any]:
    """Return type and default of a field of a model."""
    return (
        Annotated[checked_hint(hint), Field(description=note)],
        ... if default in (MISSING, Inspected.empty) else [] if default == () else default,
    )
