"""What the API says of itself to programs, made when it is asked for: most daemons never are."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from photofind import model as values
from photofind.settings import Setting

__all__ = ["answers", "describe"]

_REFERENCE = "#/components/schemas/{model}"
_VALUES = (
    values.Answer,
    values.Check,
    values.DuplicateGroup,
    values.Event,
    values.ExtractorStatus,
    values.Failure,
    values.FolderStatus,
    values.PhotoDetails,
    values.Progress,
    values.Report,
    Setting,
    values.Status,
    values.TagCount,
)
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


def answers(
    kind: type | dict[str, Any],
    *,
    many: bool = False,
    media_type: str = "application/json",
    description: str = "done",
) -> dict[int | str, dict[str, Any]]:
    """Return how a route's answer is described: a value, a list of them, or a schema."""
    schema = kind if isinstance(kind, dict) else {"$ref": _REFERENCE.format(model=kind.__name__)}
    if many:
        schema = {"type": "array", "items": schema}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    from pydantic import TypeAdapter

    if app.openapi_schema:
        return app.openapi_schema
    _, schemas = TypeAdapter.json_schemas(
        [(kind, "serialization", TypeAdapter(kind)) for kind in _VALUES], ref_template=_REFERENCE
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
