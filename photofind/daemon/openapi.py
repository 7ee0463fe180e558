"""What the API says of itself to programs, made when it is asked for: most daemons never are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from photofind.daemon.answers import JsonResponse
from photofind.daemon.requests import ApiRoute
from photofind.model import Event, Progress
from photofind.operations import OPERATIONS

__all__ = ["answers", "api_router", "describe", "schema_of"]

_REFERENCE = "#/components/schemas/{model}"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message", "hint"],
            "properties": {
                "type": {"type": "string", "description": "a class of photofind.errors"},
                "message": {"type": "string", "description": "what happened to what"},
                "hint": {"type": "string", "description": "what to do next; may be empty"},
            },
        }
    },
}
_FAILED = {
    "description": "refused, not understood, or failed",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def api_router() -> APIRouter:
    """Return a router for routes of the API, whose errors are described."""
    return APIRouter(
        route_class=ApiRoute, default_response_class=JsonResponse, responses={"4XX": _FAILED}
    )


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the schema of what an operation returns: a value, or a list of them."""
    if get_origin(kind) is list:
        return {"type": "array", "items": schema_of(get_args(kind)[0])}
    return {"$ref": _REFERENCE.format(model=kind.__name__)}


def answers(
    schema: dict[str, Any], *, media_type: str = "application/json"
) -> dict[int | str, dict[str, Any]]:
    """Return how a route's answer is described, given its schema."""
    return {200: {"description": "done", "content": {media_type: {"schema": schema}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    from pydantic import TypeAdapter

    if app.openapi_schema:
        return app.openapi_schema
    _, schemas = TypeAdapter.json_schemas(
        [(kind, "serialization", TypeAdapter(kind)) for kind in _values()],
        ref_template=_REFERENCE,
    )
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    components["schemas"] = {
        **components.get("schemas", {}),
        **schemas["$defs"],
        "Error": _ERROR,
    }
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "photofind"},
    }
    document["security"] = [{"token": []}, {"cookie": []}]
    app.openapi_schema = document
    return document


def _values() -> Iterator[type]:
    """Yield the dataclasses that answers hold, those of the streams too."""
    yield from (Event, Progress)
    for declared in OPERATIONS.values():
        for kind in (declared.returns, *get_args(declared.returns)):
            if is_dataclass(kind) and isinstance(kind, type) and kind is not Event:
                yield kind
