"""docs/reference/openapi.json and api.md say what the API does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from fake_operations import FakeOperations
from fastapi.routing import APIRoute

from photofind.daemon.api import create_api
from photofind.web.actions import actions

DOCS = Path(__file__).parents[3] / "docs"


def test_the_description_is_current() -> None:
    generate = runpy.run_path(str(DOCS / "generate_openapi.py"))
    assert (DOCS / "reference/openapi.json").read_text("utf-8") == generate["document"](), (
        "run docs/generate_openapi.py"
    )


def test_the_tables_are_current() -> None:
    generate = runpy.run_path(str(DOCS / "generate_operations.py"))
    page = (DOCS / "reference/api.md").read_text("utf-8")
    assert generate["with_tables"](page) == page, "run docs/generate_operations.py"


def test_the_page_tells_of_every_route() -> None:
    page = (DOCS / "reference/api.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([A-Z]+) (/api/[^`?]*)", page, re.MULTILINE))
    routes = {
        (method.upper(), path)
        for path, methods in create_api().openapi()["paths"].items()
        for method in methods
    }
    page_routes = {
        (method, route.path)
        for route in actions(FakeOperations(), bool).routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert told == routes | page_routes | {("GET", "/api/openapi.json")}


def test_values_are_described_as_they_are() -> None:
    schemas = create_api().openapi()["components"]["schemas"]
    assert schemas["Answer"]["properties"]["hits"]["items"] == {"$ref": "#/components/schemas/Hit"}
    assert "path" in schemas["PhotoDetails"]["properties"]
    assert set(schemas["Error"]["properties"]["error"]["required"]) == {"type", "message", "hint"}
