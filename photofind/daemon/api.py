"""The API that the daemon serves on this machine: the operations, as HTTP and JSON.

Its routes are derived from `photofind.operations`, but for the special ones. docs/reference/api.md
is for people who use it; openapi.json beside it says the same to programs.
"""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from photofind.daemon import special_routes
from photofind.daemon.api_errors import add_error_handlers
from photofind.daemon.context import ApiContext
from photofind.daemon.derived_routes import derived_routes
from photofind.daemon.openapi import describe
from photofind.web import pages

__all__ = ["create_api"]


def create_api(context: ApiContext | None = None) -> FastAPI:
    """Return the application that answers with what is on a context.

    Without one it can only describe itself.
    """
    app = FastAPI(
        title="photofind",
        version="1",
        description="Show me the photos like this one. docs/reference/api.md says how to use this.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # Both load programs from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.include_router(derived_routes())
    app.include_router(special_routes.router)
    if context is not None:
        app.include_router(pages.router(context.operations, context.access.is_named))
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    add_error_handlers(app)
    return app
