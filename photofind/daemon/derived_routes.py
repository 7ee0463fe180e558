"""The routes of the API that are derived from the declared operations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from photofind.daemon.answers import JsonResponse
from photofind.daemon.context import ApiContext, Context
from photofind.daemon.openapi import answers, api_router, schema_of
from photofind.daemon.validation import as_argument, body_arguments, body_model, checked_hint
from photofind.declaration import Operation, Parameter, Route
from photofind.operations import OPERATIONS

__all__ = ["derived_routes"]


def derived_routes() -> APIRouter:
    """Return the routes of all operations, except of those that are written by hand.

    Paths with a placeholder come last: ``/photos/trash`` is not the photo ``trash``.
    """
    routes = [
        (declared, route)
        for declared in OPERATIONS.values()
        for route in declared.routes
        if not route.by_hand
    ]
    router = api_router()
    for declared, route in sorted(routes, key=lambda one: "{" in one[1].path):
        _add(router, declared, route)
    return router


def _add(router: APIRouter, declared: Operation, route: Route) -> None:
    parameters = declared.parameters(route)
    in_body = [one for one in parameters if one.place == "body"]
    model = body_model(declared, in_body) if in_body else None
    returns_nothing = declared.returns is type(None)

    async def endpoint(context: ApiContext, body: Any = None, **values: Any) -> Response:
        arguments = {
            one.name: as_argument(values[one.name]) for one in parameters if one.name in values
        }
        arguments |= {**body_arguments(in_body, body), **route.fixed}
        work = partial(context.carry_out(declared.name), **arguments)
        if returns_nothing:
            await context.run_in(route.lane, work)
            return Response(status_code=204)
        return await context.answer(work, route.lane, key=route.key)

    endpoint.__name__ = declared.name
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=Context),
            *_inspected(declared, parameters),
            *([_inspected_body(model, in_body)] if model else []),
        ]
    )
    router.add_api_route(
        route.path,
        endpoint,
        methods=[route.method],
        status_code=204 if returns_nothing else 200,
        response_class=Response if returns_nothing else JsonResponse,
        responses={} if returns_nothing else answers(_schema(declared, route)),
        description=declared.description,
        name=declared.name,
    )


def _inspected(declared: Operation, parameters: list[Parameter]) -> Iterator[inspect.Parameter]:
    """Yield the parameters of the path and the query as FastAPI wants a function to have them."""
    for one in parameters:
        if one.place == "body":
            continue
        in_path = one.place == "path"
        kind: Callable[..., Any] = Path if in_path else Query
        note = kind(alias=one.alias, description=declared.notes.get(one.name))
        yield inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=[] if one.default == () else one.default,
            annotation=Annotated[checked_hint(one.hint, in_path=in_path), note],
        )


def _inspected_body(model: type[BaseModel], in_body: list[Parameter]) -> inspect.Parameter:
    # A body that is one value as a whole has to be there, though all of its fields may be left out.
    is_required = any(one.is_whole for one in in_body) or any(
        member.is_required() for member in model.model_fields.values()
    )
    return inspect.Parameter(
        "body",
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_required else None,
        annotation=Annotated[model if is_required else model | None, Body()],
    )


def _schema(declared: Operation, route: Route) -> dict[str, Any]:
    if route.key is not None:
        return {"type": "object", "required": [route.key]}
    return schema_of(declared.returns)
